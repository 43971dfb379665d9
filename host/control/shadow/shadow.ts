// One shadow as control sees it: which versions, how much traffic, what was found so far.
import type { Version } from "../version.ts";
import { firstPace } from "./pace.ts";
import type { ShadowBegin, ShadowCounts, ShadowSubject } from "./messages.ts";

/** `POST /api/v1/shadows`. */
export interface ShadowRequest {
  readonly filter: string;
  /** Reference of a version: `v3`, a sha256 prefix, a semver. */
  readonly version: string;
  /** Of the filter's streams, above 0, at most 100. */
  readonly percent: number;
  /** Of one core, for the shadow thread. */
  readonly cpuPercent: number;
  readonly ignore: readonly string[];
}

/** Names are part of the admin API: add, do not rename. */
export interface ShadowReport extends Omit<ShadowCounts, "perField"> {
  readonly filter: string;
  readonly state: "running" | "ended";
  /** Why it ended; "" while it has not. */
  readonly ended: "" | "stopped" | "version" | "fault" | "thread";
  /** The version that serves. */
  readonly a: { readonly version: string; readonly sha256: string };
  readonly b: { readonly version: string; readonly sha256: string };
  readonly percent: number;
  /** ISO 8601. */
  readonly startedAt: string;
  /** Streams that were picked and not given to the shadow. */
  readonly dropped: number;
  /** Differences per field, whatever the callback. */
  readonly perField: Readonly<Record<string, number>>;
}

export interface ShadowParts {
  readonly id: number;
  readonly request: ShadowRequest;
  readonly a: Version;
  readonly b: Version;
  readonly startedMs: number;
  /** Where the serving version keeps shared data: keys that it had not read are read there. */
  readonly space: string;
}

const NOTHING: ShadowCounts = {
  compared: 0,
  differing: 0,
  noise: { compared: 0, differing: 0 },
  fields: [],
  perField: {},
  diverged: 0,
  divergences: [],
  fuel: [],
  fault: "",
};

export class Shadow {
  readonly id: number;
  readonly request: ShadowRequest;
  readonly a: Version;
  readonly b: Version;
  readonly #space: string;
  readonly #startedAt: string;
  readonly #named = new Set<string>();
  #counts = NOTHING;
  /** {@link Sampling}'s number. */
  sampler = 0;
  /** Streams per second, over all data threads. */
  pace: number;
  dropped = 0;
  ended: ShadowReport["ended"] = "";

  constructor({ id, request, a, b, startedMs, space }: ShadowParts) {
    this.#space = space;
    this.id = id;
    this.request = request;
    this.a = a;
    this.b = b;
    this.pace = firstPace(request.cpuPercent);
    this.#startedAt = new Date(startedMs).toISOString();
  }

  get isRunning(): boolean {
    return this.ended === "";
  }

  /** What the thread is told. A version with a configuration of its own keeps it; else it gets what was recorded. */
  get begin(): ShadowBegin {
    const { id, request, a, b } = this;
    const own = a.configSha256 === b.configSha256 ? {} : { config: b.options.pluginConfig };
    const { ignore, cpuPercent } = request;
    return {
      type: "begin",
      id,
      a: subjectOf(a, this.#space),
      b: { ...subjectOf(b, this.#space), ...own },
      ignore,
      cpuPercent,
    };
  }

  /** Takes what is known now; answers a sentence for each field that differs for the first time. */
  learn(counts: ShadowCounts): readonly string[] {
    this.#counts = counts;
    const fresh = counts.fields.filter(({ phase, field, shown }) => shown && !this.#named.has(`${phase} ${field}`));
    for (const { phase, field } of fresh) this.#named.add(`${phase} ${field}`);
    const { filter } = this.request;
    const between = `shadow of ${filter}: ${this.b.label} differs from ${this.a.label}`;
    return fresh.map(
      ({ phase, field, count }) => `${between} in ${phase} ${field}, ${count} of ${counts.compared} streams`,
    );
  }

  get report(): ShadowReport {
    const { request, a, b, ended, dropped } = this;
    return {
      filter: request.filter,
      state: ended === "" ? "running" : "ended",
      ended,
      a: { version: a.label, sha256: a.sha256 },
      b: { version: b.label, sha256: b.sha256 },
      percent: request.percent,
      startedAt: this.#startedAt,
      dropped,
      ...this.#counts,
    };
  }
}

const subjectOf = ({ label, module, sha256, options }: Version, vmId: string): ShadowSubject => ({
  name: label,
  module,
  sha256,
  options: { ...options, vmId },
});
