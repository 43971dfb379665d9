// A rollout under a clock that is moved by hand, with data threads and a shadow that are played by the test: what they would
// count is put into tallies of the same books.
import { VirtualClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import type { Draft } from "../../../host/control/committer.ts";
import { EventHub } from "../../../host/control/events.ts";
import { ExperimentDesk } from "../../../host/control/experiment-desk.ts";
import type { ExperimentState } from "../../../host/control/experiment-state.ts";
import { FilterRecord } from "../../../host/control/filter-record.ts";
import { deafEars } from "../../../host/control/rollout/ears.ts";
import { Hooks } from "../../../host/control/rollout/hooks.ts";
import { LOOK_MS, RolloutDesk } from "../../../host/control/rollout/rollout-desk.ts";
import { Trials } from "../../../host/control/rollout/trials.ts";
import type { Runtime } from "../../../host/control/runtime.ts";
import { Serial } from "../../../host/control/serial.ts";
import type { ShadowReport, ShadowRequest } from "../../../host/control/shadow/shadow.ts";
import { shadowReport } from "../../support/fake-control.ts";
import type { Version } from "../../../host/control/version.ts";
import { fnv1a32 } from "../../../host/base/hash.ts";
import { Exposure } from "../../../host/experiment/exposure.ts";
import { ArmTally } from "../../../host/experiment/tally.ts";
import type { TallyReport } from "../../../host/link/messages.ts";

const random = seededRandom(12);
let nextUser = 0;
export const countUsersFrom = (number: number): void => void (nextUser = number);

export const version = (label: string): Version =>
  ({
    label,
    sha256: label.repeat(32),
    configSha256: "c",
    options: { name: "f", vmId: "f", pluginConfig: "" },
  }) as unknown as Version;

interface Asked {
  readonly url: string;
  readonly body: Record<string, unknown>;
}

/** One shadow, whose findings the test says. */
export class PlayedShadows {
  readonly asked: ShadowRequest[] = [];
  /** Why none is started, or null. */
  refusal: Error | null = null;
  /** Versions that serve. */
  live = "v1";
  readonly #clock: VirtualClock;
  #report: ShadowReport | null = null;

  constructor(clock: VirtualClock) {
    this.#clock = clock;
  }

  get reports(): readonly ShadowReport[] {
    return this.#report === null ? [] : [this.#report];
  }

  get running(): boolean {
    return this.#report?.state === "running";
  }

  start(request: ShadowRequest): ShadowReport {
    if (this.refusal !== null) throw this.refusal;
    if (this.running) throw new Error("filter f has a shadow already");
    this.asked.push(request);
    const startedAt = new Date(this.#clock.nowMs()).toISOString();
    const { filter, percent, version } = request;
    const a = { version: this.live, sha256: "" };
    const b = { version, sha256: "" };
    return (this.#report = shadowReport({ filter, percent, a, b, startedAt, ...UNSEEN }));
  }

  find(more: Partial<ShadowReport>): void {
    if (this.#report !== null) this.#report = { ...this.#report, ...more };
  }

  stop(_filter: string): ShadowReport {
    if (this.#report === null) throw new Error("no shadow");
    return (this.#report = { ...this.#report, state: "ended", ended: "stopped" });
  }
}

const UNSEEN: Partial<ShadowReport> = {
  state: "running",
  ended: "",
  dropped: 0,
  compared: 0,
  differing: 0,
  noise: { compared: 0, differing: 0 },
  fields: [],
  diverged: 0,
  fault: "",
};

export class Stage {
  readonly clock = new VirtualClock();
  readonly drafts: Draft[] = [];
  readonly asked: Asked[] = [];
  /** url -> status, or a reason to fail. */
  readonly answers = new Map<string, number>();
  refusal: Error | null = null;
  readonly emptied: string[] = [];
  readonly queues = new Set<string>();
  readonly shadows = new PlayedShadows(this.clock);
  reports: TallyReport[] = [];
  readonly record = new FilterRecord({ name: "f", vmId: "f" } as never);
  readonly runtime: Runtime;
  readonly desk: ExperimentDesk;
  readonly rollouts: RolloutDesk;
  readonly texts: string[] = [];

  constructor() {
    for (const label of ["v1", "v2", "v3"]) this.record.add(version(label));
    this.record.setLive(this.record.find("v1"));
    const events = new EventHub(this.clock);
    events.subscribe((event) => void this.texts.push(event.text));
    const records = new Map([["f", this.record]]);
    this.runtime = {
      clock: this.clock,
      serial: new Serial(),
      events,
      trials: new Trials(),
      ears: deafEars(),
      experiments: new Map(),
      shadows: this.shadows,
      keeper: { soon: () => {} },
      book: { records, get: () => this.record },
      stores: {
        connections: { limit: () => {} },
        empty: (space: string) => void this.emptied.push(space),
        hasQueues: (space: string) => this.queues.has(space),
      },
      config: {
        filters: [{ name: "f", vmId: "f" }],
        maxConnections: 0,
        listeners: [],
        clusters: [],
        drainTimeoutMs: 0,
        experiments: [],
      },
      threads: { collect: async () => [{ tallies: this.reports.splice(0) }] },
      committer: {
        nextEpoch: 1,
        commit: async (draft: Draft) => {
          if (this.refusal !== null) throw this.refusal;
          this.drafts.push(draft);
          return 1;
        },
      },
    } as unknown as Runtime;
    this.desk = new ExperimentDesk(this.runtime, "/etc/sluice.yaml");
    const post = async (url: string, body: unknown): Promise<number> => {
      this.asked.push({ url, body: body as Record<string, unknown> });
      const status = this.answers.get(url) ?? 200;
      if (status === 0) throw new Error("connection refused");
      return status;
    };
    this.rollouts = new RolloutDesk(this.runtime, this.desk, new Hooks(post));
  }

  start(rules: Readonly<Record<string, unknown>> = {}, name = "e"): Promise<ExperimentState> {
    const variants = [
      { name: "a", version: "v1", weight: 50 },
      { name: "b", version: "v2", weight: 50 },
    ];
    return this.desk.create({ name, filter: "f", unit: ["header:u"], variants, rules });
  }

  get state(): ExperimentState {
    return this.desk.get("e");
  }

  /** Weight of the candidate. */
  get weight(): number {
    return this.state.arms[1]!.weight;
  }

  /** So many new users come, in proportion to the weights; a share of their requests fails. */
  serve(users: number, fails: readonly [number, number] = [0, 0], latencyMs = 5): void {
    const { state } = this;
    const { book, message } = this.runtime.trials.of(state);
    const tallies = [0, 1].map((at) => new ArmTally(message.plan, at, book, () => {}));
    for (let user = 0; user < users; user++) {
      const arm = random.fraction() * 100 < this.weight ? 1 : 0;
      const hash = fnv1a32(`e\0user-${nextUser++}`);
      const outcome = {
        responseCode: 200,
        durationMs: latencyMs * (0.5 + random.fraction()),
        upstreamMs: 1,
        requestBytes: 0,
        responseBytes: 0,
        attempts: 1,
        startMs: this.clock.nowMs(),
      };
      const tally = tallies[arm]!;
      tally.add(
        new Exposure(tally, { hash: hash | 0, bucket: hash % 500, perRequest: false }, null),
        outcome,
        random.fraction() < fails[arm]!,
      );
    }
    tallies.forEach((tally, at) => {
      const sums = tally.take();
      if (sums !== null) this.reports.push({ experiment: "e", trial: message.id, arm: state.arms[at]!.name, sums });
    });
  }

  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= LOOK_MS) {
      this.clock.advance(Math.min(left, LOOK_MS));
      await this.settle();
    }
  }

  async settle(): Promise<void> {
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
  }
}
