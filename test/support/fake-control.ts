// A control side without a proxy behind it: records what it was asked and answers with plain data. For admin and CLI.
import { problemError } from "../../host/base/problem.ts";
import type { ProxyConfig } from "../../host/config/options.ts";
import type { ExperimentReport, PostedEvent, PostedResult } from "../../host/control/report-types.ts";
import type {
  ControlPlane,
  ExperimentRequest,
  ExperimentStatus,
  FilterStatus,
  LoadResult,
  SluiceEvent,
  SwapResult,
  TapEvent,
  VersionInfo,
} from "../../host/control/types.ts";
import type { CrashReport } from "../../host/control/crash-report.ts";
import type { ShadowReport, ShadowRequest } from "../../host/control/shadow/shadow.ts";
import type { RecordingRequest, RecordingStatus } from "../../host/control/record/recording.ts";
import type { TapSelection } from "../../host/link/tap.ts";
import type { MetricSample } from "../../host/observe/samples.ts";

export const version = (name: string, more: Partial<VersionInfo> = {}): VersionInfo => ({
  version: name,
  sha256: "a".repeat(64),
  configSha256: "b".repeat(64),
  semver: "",
  build: "optimised",
  size: 1234,
  createdAt: "2030-01-01T00:00:00.000Z",
  state: "live",
  inFlight: 0,
  ...more,
});

export const FAKE_CONFIG: ProxyConfig = {
  admin: { host: "127.0.0.1", port: 0, token: "" },
  drainTimeoutMs: 1000,
  workers: 1,
  maxConnections: 50_000,
  node: { id: "test", region: "", zone: "", labels: {} },
  listeners: [],
  clusters: [],
  filters: [],
  experiments: [],
  stateDir: "/nowhere",
  logLevel: "info",
};

const FIGURES = {
  requests: 900,
  units: 380,
  responses: { "2xx": 890, "5xx": 10 },
  errors: 10,
  localReplies: 0,
  faults: 0,
  p50: 4.1,
  p99: 22,
  addedP50: 0.6,
  addedP99: 2.4,
  filterP50: 0.02,
  filterP99: 0.09,
  upstreamMean: 3.2,
  fuelMean: 1200,
  requestBytes: 0,
  responseBytes: 90_000,
  attempts: 900,
  memoryBytes: 65_536,
};

/** Two metrics with a few looks. */
export const FAKE_REPORT: Omit<ExperimentReport, "experiment"> = {
  runtimeMs: 42_000,
  looks: 42,
  alpha: 0.05,
  tuning: 5000,
  judgement: {
    units: [380, 41],
    requests: [900, 100],
    errors: [{ arm: "b", events: 11, candidate: 1, expected: 1.1, eValue: 0.4, worse: false }],
    sampleRatio: [
      { arm: "b", units: 421, planned: 0.1, observed: 0.097, eValue: 0.2, chiSquare: 0.04, mismatch: false },
    ],
    metrics: [
      {
        name: "success_rate",
        role: "primary",
        arm: "b",
        control: 0.989,
        candidate: 0.99,
        about: "difference",
        effect: 0.001,
        low: -0.02,
        high: 0.022,
        eValue: 0.3,
        verdict: "inconclusive",
        reason: "0.001 [-0.02, 0.022]",
      },
    ],
    stop: null,
    gate: "pass",
    promotion: "inconclusive",
    summary: "no decision yet: 41 of 500 units in the smallest arm",
  },
  combined: [{ name: "success_rate", arm: "b", effect: 0.001, low: -0.02, high: 0.022, steps: 1 }],
  arms: [
    { name: "control", ...FIGURES },
    { name: "b", ...FIGURES, requests: 100, units: 41 },
  ],
  points: [1000, 2000, 3000].map((ms) => ({
    ms,
    weight: 10,
    units: [ms / 10, ms / 100],
    metrics: [{ name: "success_rate", arm: "b", role: "primary", effect: 0.001, low: -60 / ms, high: 60 / ms }],
  })),
  shadow: {
    purpose: "rehearsal",
    problem: "",
    href: "/api/v1/shadows/gray",
    state: "ended",
    ended: "stopped",
    a: "v1",
    b: "v2",
    percent: 10,
    startedAt: "2030-01-01T00:00:00.000Z",
    compared: 300,
    differing: 7,
    noise: { compared: 40, differing: 0 },
    diverged: 0,
    dropped: 0,
    fault: "",
    fields: [{ phase: "request_headers", field: "request.header.x-tag", count: 7 }],
  },
};
export const recordingStatus = (more: Partial<RecordingStatus> = {}): RecordingStatus => ({
  id: 1,
  filter: "gray",
  version: "v1",
  percent: 100,
  state: "done",
  ended: "count",
  startedAt: "2030-01-01T00:00:00.000Z",
  streams: 3,
  dropped: 0,
  bytes: 99,
  redacted: true,
  ...more,
});

export const shadowReport = (more: Partial<ShadowReport> = {}): ShadowReport => ({
  filter: "gray",
  state: "running",
  ended: "",
  a: { version: "v1", sha256: "a".repeat(64) },
  b: { version: "v2", sha256: "c".repeat(64) },
  percent: 10,
  startedAt: "2030-01-01T00:00:00.000Z",
  dropped: 0,
  compared: 20,
  differing: 3,
  noise: { compared: 20, differing: 0 },
  fields: [],
  perField: {},
  diverged: 0,
  divergences: [],
  fuel: [],
  fault: "",
  ...more,
});

export class FakeShadows {
  readonly calls: unknown[][] = [];
  status = shadowReport();
  get reports(): readonly ShadowReport[] {
    return [this.status];
  }
  start(request: ShadowRequest): ShadowReport {
    this.calls.push(["start", request]);
    return this.status;
  }
  stop(filter: string): ShadowReport {
    this.calls.push(["stop", filter]);
    return this.status;
  }
  report(filter: string): ShadowReport {
    this.calls.push(["report", filter]);
    return this.status;
  }
}

export class FakeRecordings {
  readonly calls: unknown[][] = [];
  status = recordingStatus();
  get statuses(): readonly RecordingStatus[] {
    return [this.status];
  }
  open(request: RecordingRequest): RecordingStatus {
    this.calls.push(["open", request]);
    return this.status;
  }
  stop(id: number): RecordingStatus {
    this.calls.push(["stop", id]);
    return this.status;
  }
  text(id: number): string {
    this.calls.push(["text", id]);
    return '{"t":"header"}\n';
  }
}

export class FakeControl implements ControlPlane {
  readonly calls: unknown[][] = [];
  readonly history: SluiceEvent[] = [];
  readonly listenersOfEvents = new Set<(event: SluiceEvent) => void>();
  readonly recordings = new FakeRecordings();
  readonly shadows = new FakeShadows();
  state: ControlPlane["state"] = "ready";
  config = FAKE_CONFIG;
  samples: MetricSample[] = [];
  /** Rejects the next call with this. */
  failure: Error | null = null;
  readonly experiment: ExperimentStatus = {
    name: "exp",
    filter: "gray",
    state: "running",
    unit: ["header:x-user-id"],
    salt: "exp",
    arms: [
      {
        name: "control",
        version: "v1",
        sha256: "a".repeat(64),
        weight: 90,
        ranges: [[0, 9000]],
        requests: 900,
        responses: { "2xx": 890, "5xx": 10 },
        localReplies: 0,
        faults: 0,
      },
      {
        name: "b",
        version: "v2",
        sha256: "c".repeat(64),
        weight: 10,
        ranges: [[9000, 10_000]],
        requests: 100,
        responses: { "2xx": 99, "5xx": 1 },
        localReplies: 1,
        faults: 0,
      },
    ],
    unitMissing: 3,
    mode: "canary",
    layer: null,
    rollout: {
      steps: ["setWeight 10", "pause 30s", "setWeight 50", "pause 30s", "setWeight 100"],
      step: 1,
      hold: null,
      multipleExposure: 0,
      summary: "no decision yet: 41 of 500 units in the smallest arm",
      log: [{ at: "2030-01-01T00:00:00.000Z", by: "admin", what: "started: control (v1) 90 %, b (v2) 10 %" }],
    },
  };
  readonly filter: FilterStatus = {
    name: "gray",
    source: "filters/gray/assembly/index.ts",
    version: "v2",
    sha256: "a".repeat(64),
    build: "optimised",
    failurePolicy: "FAIL_CLOSED",
    phase: "",
    problems: [],
    versions: [version("v2", { inFlight: 4 }), version("v1", { state: "retired" })],
    experiment: "exp",
  };

  readonly events = {
    subscribe: (listener: (event: SluiceEvent) => void, options?: { replay?: number }): (() => void) => {
      for (const event of this.history.slice(-(options?.replay ?? 0) || this.history.length)) listener(event);
      this.listenersOfEvents.add(listener);
      return () => void this.listenersOfEvents.delete(listener);
    },
  };

  emit(event: Partial<SluiceEvent>): void {
    const full: SluiceEvent = {
      id: this.history.length + 1,
      time: "2030-01-01T12:01:07.000Z",
      type: "log",
      text: "",
      ...event,
    };
    this.history.push(full);
    for (const listener of this.listenersOfEvents) listener(full);
  }

  #did<T>(value: T, ...call: unknown[]): Promise<T> {
    this.calls.push(call);
    if (this.failure === null) return Promise.resolve(value);
    const failure = this.failure;
    this.failure = null;
    return Promise.reject(failure);
  }

  #swap(from: string, to: string): SwapResult {
    return { filter: "gray", from, to, sha256: "a".repeat(64), millis: 12, inFlight: 4, threads: 2 };
  }

  filters = () => Promise.resolve([this.filter]);
  upload = (name: string, wasm: Uint8Array, options: { swap: boolean; pluginConfig?: string }) =>
    this.#did(
      {
        version: version("v3", { build: "upload", state: options.swap ? "live" : "stored" }),
        swap: options.swap ? this.#swap("v2", "v3") : null,
      },
      "upload",
      name,
      wasm.byteLength,
      options,
    );
  swap = (name: string, to?: string) => this.#did(this.#swap("v2", to ?? "v3"), "swap", name, to);
  crashReports: CrashReport[] = [];
  crashes = (filter: string): readonly CrashReport[] => this.crashReports.filter((one) => one.filter === filter);
  rollback = (name: string) => this.#did(this.#swap("v2", "v1"), "rollback", name);
  experiments = () => Promise.resolve([this.experiment]);
  createExperiment = (request: ExperimentRequest) =>
    this.#did({ ...this.experiment, name: request.name }, "createExperiment", request);
  setWeights = (name: string, weights: Readonly<Record<string, number>>) => {
    const arms = this.experiment.arms.map((arm) => ({ ...arm, weight: weights[arm.name] ?? arm.weight }));
    return this.#did({ ...this.experiment, arms }, "setWeights", name, weights);
  };
  promote = (name: string, arm?: string) =>
    this.#did({ ...this.experiment, state: "promoted" as const }, "promote", name, arm);
  abort = (name: string) => this.#did({ ...this.experiment, state: "aborted" as const }, "abort", name);
  pause = (name: string) => this.#did({ ...this.experiment, state: "held" as const }, "pause", name);
  resume = (name: string) => this.#did(this.experiment, "resume", name);
  report = (_name: string): Promise<ExperimentReport> =>
    Promise.resolve({ ...FAKE_REPORT, experiment: this.experiment });
  postEvents = (name: string, events: readonly PostedEvent[]): Promise<PostedResult> =>
    this.#did({ counted: events.length, ignored: 0 }, "postEvents", name, events);
  load = (text: string, options?: { path?: string; dryRun?: boolean }): Promise<LoadResult> => {
    if (text.includes("bad")) {
      const where = { pointer: "/bad", file: "sluice.yaml", line: 3, column: 5, endColumn: 8, frame: " 3 | bad" };
      return Promise.reject(problemError("config", "unknown_key", 'unknown key "bad"', where));
    }
    return this.#did({ changed: true, changes: ["workers changed from 1 to 2"], warnings: [] }, "load", text, options);
  };
  reload = () => this.#did({ changed: false, changes: [], warnings: [] }, "reload");
  configDump = () => Promise.resolve({ text: "listeners: []", config: { workers: 1 } });
  metrics = () => Promise.resolve(this.samples);
  clusters = () =>
    Promise.resolve([
      {
        cluster: "web",
        address: "127.0.0.1:9001",
        weight: 1,
        active: 2,
        connections: 3,
        idle: 1,
        requests: 40,
        failures: 5,
      },
    ]);
  listeners = () =>
    Promise.resolve([{ name: "public", address: "127.0.0.1:8080", connections: 7, protocol: "http" as const }]);
  readonly taps: { readonly selection: TapSelection; readonly hear: (event: TapEvent) => void }[] = [];
  tap = (selection: TapSelection, hear: (event: TapEvent) => void): (() => void) => {
    if (this.failure !== null) throw this.failure;
    const tap = { selection, hear };
    this.taps.push(tap);
    return () => void this.taps.splice(this.taps.indexOf(tap), 1);
  };
  setLogLevel = (level: ProxyConfig["logLevel"]) => this.#did(undefined, "setLogLevel", level);
  shutdown = (reason: string) => {
    this.state = "draining";
    return this.#did(undefined, "shutdown", reason);
  };
}
