// Shadows: a version of a filter runs beside the serving one on sampled live traffic, on a thread of its own, and what it
// would have decided is compared (experiments.md 6). Nothing of it reaches a request. Started by hand here, and by whoever
// else wants a version rehearsed: `start`, `stop`, `report` are all there is to it.
import type { Clock, Timer } from "../../base/clock.ts";
import { problemError } from "../../base/problem.ts";
import type { RecordedMessage } from "../../link/record.ts";
import type { MetricSample } from "../../observe/samples.ts";
import type { EventHub } from "../events.ts";
import type { Sampling } from "../record/sampling.ts";
import type { SharedStores } from "../shared-stores.ts";
import type { Version } from "../version.ts";
import type { FromShadow } from "./messages.ts";
import { Shadow, type ShadowReport, type ShadowRequest } from "./shadow.ts";
import { shadowSamples } from "./shadow-samples.ts";
import type { ShadowHandle, SpawnShadow } from "./thread-handle.ts";

const MAX_OPEN = 8;
/** Bytes of bodies that are given to the shadow, per stream. */
const MAX_BODY_BYTES = 256 * 1024;
const WATCH_MS = 1000;
/** The thread that does not take its messages for so long is in a loop that nothing else ends. */
const HANG_MS = 10_000;
/** Data threads count from 1. */
const SHADOW_THREAD = 100_000;

export interface ShadowDeskParts {
  readonly clock: Clock;
  readonly sampling: Sampling;
  readonly events: Pick<EventHub, "emit" | "subscribe">;
  readonly stores: SharedStores;
  /** The version that serves. @throws ProblemError */
  readonly live: (filter: string) => Version;
  /** Its namespace of shared data. */
  readonly spaceOf: (filter: string) => string;
  /** @throws ProblemError when there is no such version */
  readonly find: (filter: string, version: string) => Version;
  readonly spawn: SpawnShadow;
  /** Data threads that sample. */
  readonly threads: () => number;
}

export class ShadowDesk {
  readonly #parts: ShadowDeskParts;
  readonly #shadows = new Map<string, Shadow>();
  #thread: ShadowHandle | null = null;
  #watch: Timer | null = null;
  /** Messages that the thread has not taken, and since when the oldest waits. */
  #untaken = 0;
  #untakenSinceMs = 0;
  #last = 0;

  constructor(parts: ShadowDeskParts) {
    this.#parts = parts;
    parts.events.subscribe(({ filter, type }) => filter !== undefined && type !== "shadow" && this.#check(filter), {
      replay: 0,
    });
  }

  /** @throws ProblemError */
  start(request: ShadowRequest): ShadowReport {
    const { clock, live, find } = this.#parts;
    const { filter } = request;
    const [a, b] = [live(filter), find(filter, request.version)];
    if (this.#shadows.get(filter)?.isRunning === true)
      throw problemError("state", "shadow_running", `filter ${filter} has a shadow already`, { hint: "stop it first" });
    if ([...this.#shadows.values()].filter(({ isRunning }) => isRunning).length >= MAX_OPEN)
      throw problemError("state", "too_many_shadows", `${MAX_OPEN} shadows run already; stop one first`);
    if (a.label === b.label) this.#say(filter, `${filter} ${b.label} in its own shadow: every difference is noise`);
    const shadow = new Shadow({
      id: ++this.#last,
      request,
      a,
      b,
      startedMs: clock.nowMs(),
      space: this.#parts.spaceOf(filter),
    });
    this.#shadows.set(filter, shadow);
    this.#send(shadow.begin);
    this.#sample(shadow);
    this.#say(filter, `shadow of ${filter}: ${b.label} against ${a.label} on ${request.percent} % of its streams`);
    return shadow.report;
  }

  #sample(shadow: Shadow): void {
    const { percent, filter } = shadow.request;
    const maxPerSecond = shadow.pace / this.#parts.threads();
    shadow.sampler = this.#parts.sampling.open({
      want: {
        filter,
        version: shadow.a.label,
        percent,
        maxBodyBytes: MAX_BODY_BYTES,
        tells: "replay",
        maxPerSecond,
        hold: false,
      },
      hear: (message) => this.#recorded(shadow, message),
    });
  }

  #recorded(shadow: Shadow, { text, dropped }: RecordedMessage): void {
    shadow.dropped += dropped;
    if (text === "" || !shadow.isRunning) return;
    if (this.#untaken === 0) this.#untakenSinceMs = this.#parts.clock.monotonicMs();
    this.#untaken++;
    this.#send({ type: "lines", id: shadow.id, text });
  }

  #send(message: Parameters<ShadowHandle["send"]>[0]): void {
    const { stores, spawn, clock } = this.#parts;
    const data = { sharedData: stores.handles.sharedData, threadId: SHADOW_THREAD };
    this.#thread ??= spawn(data, { heard: (said) => this.#heard(said), lost: (reason) => this.#lost(reason) });
    this.#watch ??= clock.after(WATCH_MS, () => this.#look());
    this.#thread.send(message);
  }

  #look(): void {
    this.#watch = null;
    if (this.#thread === null) return;
    const waited = this.#parts.clock.monotonicMs() - this.#untakenSinceMs;
    if (this.#untaken > 0 && waited > HANG_MS) {
      this.#thread.terminate();
      this.#lost(`it took nothing for ${HANG_MS / 1000} s`);
    } else this.#watch = this.#parts.clock.after(WATCH_MS, () => this.#look());
  }

  #heard(message: FromShadow): void {
    if (message.type === "taken") {
      this.#untaken = Math.max(0, this.#untaken - 1);
      this.#untakenSinceMs = this.#parts.clock.monotonicMs();
    }
    const shadow = [...this.#shadows.values()].find(({ id }) => id === message.id);
    if (shadow === undefined || !shadow.isRunning) return;
    if (message.type === "hold") this.#parts.sampling.change(shadow.sampler, { hold: message.hold });
    if (message.type === "gap") {
      // New twins: what the old ones go on with has lost its beginning.
      this.#parts.sampling.close(shadow.sampler);
      this.#sample(shadow);
    }
    if (message.type === "counts") {
      this.#pace(shadow, message.perSecond);
      for (const text of shadow.learn(message.counts)) this.#say(shadow.request.filter, text);
      if (message.counts.fault !== "") this.#end(shadow, "fault");
    }
  }

  /** Streams are sampled as fast as they can be played: what would be dropped later is not recorded either. */
  #pace(shadow: Shadow, perSecond: number): void {
    const change = perSecond / shadow.pace;
    if (change > 0.8 && change < 1.25) return;
    shadow.pace = perSecond;
    this.#parts.sampling.change(shadow.sampler, { maxPerSecond: perSecond / this.#parts.threads() });
  }

  /** The thread is gone, whatever it was: traffic has not noticed, and every shadow ends. */
  #lost(reason: string): void {
    this.#thread = null;
    this.#untaken = 0;
    this.#parts.stores.freeDataLocksOf(SHADOW_THREAD);
    for (const shadow of this.#shadows.values()) {
      if (!shadow.isRunning) continue;
      this.#say(shadow.request.filter, `the shadow thread ended: ${reason}`);
      this.#end(shadow, "thread");
    }
  }

  #end(shadow: Shadow, why: ShadowReport["ended"]): void {
    if (!shadow.isRunning) return;
    shadow.ended = why;
    this.#parts.sampling.close(shadow.sampler);
    if (this.#thread !== null) this.#thread.send({ type: "end", id: shadow.id });
    const { filter, b, compared, differing } = shadow.report;
    const fault = shadow.report.fault === "" ? "" : `; ${shadow.report.fault}`;
    this.#say(
      filter,
      `shadow of ${filter} has ended (${why}): ${b.version}, ${differing} of ${compared} streams differ${fault}`,
    );
    if (![...this.#shadows.values()].some(({ isRunning }) => isRunning)) this.close();
  }

  #say(filter: string, text: string): void {
    const shadow = this.#shadows.get(filter);
    const data = shadow === undefined ? {} : { data: { version: shadow.b.label, against: shadow.a.label } };
    this.#parts.events.emit({ type: "shadow", filter, text, ...data });
  }

  /** What serves is not what the shadow was held against any more. */
  #check(filter: string): void {
    const shadow = this.#shadows.get(filter);
    if (shadow?.isRunning !== true) return;
    const { label, sha256 } = this.#parts.live(filter);
    if (label !== shadow.a.label || sha256 !== shadow.a.sha256) this.#end(shadow, "version");
  }

  /** @throws ProblemError when there is none */
  stop(filter: string): ShadowReport {
    const shadow = this.#find(filter);
    this.#end(shadow, "stopped");
    return shadow.report;
  }

  /** @throws ProblemError when there is none */
  report(filter: string): ShadowReport {
    return this.#find(filter).report;
  }

  get reports(): readonly ShadowReport[] {
    return [...this.#shadows.values()].map(({ report }) => report);
  }

  get samples(): readonly MetricSample[] {
    return this.reports.flatMap(shadowSamples);
  }

  #find(filter: string): Shadow {
    const found = this.#shadows.get(filter);
    if (found !== undefined) return found;
    const known = [...this.#shadows.keys()].join(", ") || "none";
    throw problemError("state", "shadow_not_found", `filter "${filter}" has no shadow`, { hint: `shadows: ${known}` });
  }

  /** The thread is not needed any more. */
  close(): void {
    this.#watch?.cancel();
    this.#watch = null;
    if (this.#thread === null) return;
    this.#thread.terminate();
    this.#thread = null;
    this.#untaken = 0;
    this.#parts.stores.freeDataLocksOf(SHADOW_THREAD);
  }
}
