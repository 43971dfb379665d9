// One shadow on the shadow thread: takes lines as they come, plays them when its share of the CPU allows, says when it is
// behind, and tells what it found. No thread of its own: shadow-thread.ts has it, tests drive it with a clock of theirs.
import type { Clock } from "../../base/clock.ts";
import type { RecordLine } from "../../replay/events.ts";
import { type FuelSum, Session } from "../../replay/session.ts";
import type { FieldReport } from "../../replay/tally.ts";
import type { SharedStore } from "../../vm/ports.ts";
import { firstPace } from "./pace.ts";
import type { FromShadow, ShadowBegin, ShadowCounts } from "./messages.ts";

/** Streams of each recorded instance that the serving version plays as well. */
const NOISE_STREAMS = 200;
/** Waiting characters: from here on no streams are picked, ... */
const HIGH = 2 * 1024 * 1024;
/** ... until here, ... */
const LOW = 512 * 1024;
/** ... and beyond here everything that waits is given up. */
const MAX = 32 * 1024 * 1024;
/** Steps in sight, when there are more: a callback may set off others, which lie close behind it (replay/session.ts). */
const IN_SIGHT = 512;
/** Work without a look at anything else. */
const SLICE_MS = 10;
/** CPU time that may be saved up. */
const BURST_MS = 200;
const TELL_MS = 250;
const MAX_DIVERGENCES = 20;
/**
 * What a stream costs the process for what it costs this thread: it is recorded and written down on a data thread, which has
 * nothing of that in its caches, and the engine's helpers collect what it leaves (bench: S1, per thread 2 + 1 + 1).
 */
const ALL_IN = 4;
/** The cost of fewer says little. */
const MEASURED_STREAMS = 20;

export interface ShadowRunParts {
  readonly clock: Clock;
  /** CPU time of this thread. Others may run in its place while it waits for a core, and that is not its cost. */
  readonly cpuMs: () => number;
  readonly live: SharedStore | undefined;
  readonly say: (message: FromShadow) => void;
}

export class ShadowRun {
  readonly #begin: ShadowBegin;
  readonly #parts: ShadowRunParts;
  #session: Session;
  /** Bundles that wait as text, so that what is made of them dies young. */
  #texts: string[] = [];
  #chars = 0;
  #credit = BURST_MS;
  #creditAt: number;
  #held = false;
  #planned = false;
  #telling = false;
  #over = false;
  #workedMs = 0;
  #measured = 0;
  #measuredAt: number;
  #perSecond: number;

  constructor(begin: ShadowBegin, parts: ShadowRunParts) {
    this.#begin = begin;
    this.#parts = parts;
    this.#creditAt = parts.clock.monotonicMs();
    this.#measuredAt = this.#creditAt;
    this.#perSecond = firstPace(begin.cpuPercent);
    const { ignore, a, b } = begin;
    const live = parts.live === undefined ? {} : { live: parts.live };
    this.#session = new Session([b, a], { ignore, sampleStreams: NOISE_STREAMS, ...live });
  }

  /** @param text a JSON array of lines */
  add(text: string): void {
    this.#texts.push(text);
    this.#chars += text.length;
    const { id } = this.#begin;
    if (this.#chars > MAX) {
      this.#texts = [];
      this.#chars = 0;
      this.#session.giveUp();
      this.#parts.say({ type: "gap", id });
    } else if (this.#chars > HIGH && !this.#held) this.#hold(true);
    this.#plan(0);
  }

  #read(): void {
    while (this.#session.waiting < IN_SIGHT) {
      const text = this.#texts.shift();
      if (text === undefined) return;
      this.#chars -= text.length;
      this.#session.add(JSON.parse(text) as RecordLine[]);
    }
  }

  /** Plays until its time is up or nothing waits. */
  #play(isEnough: () => boolean): void {
    let steps = 0;
    do {
      this.#read();
      // To look at the clock costs a system call.
      this.#session.run(() => (++steps & 7) === 0 && (isEnough() || this.#isShortSighted));
    } while (this.#session.waiting > 0 && !isEnough());
  }

  get #isShortSighted(): boolean {
    return this.#texts.length > 0 && this.#session.waiting < IN_SIGHT;
  }

  #charge(beganMs: number): void {
    const workedMs = this.#parts.cpuMs() - beganMs;
    this.#workedMs += workedMs;
    this.#credit -= workedMs;
  }

  #hold(hold: boolean): void {
    this.#held = hold;
    this.#parts.say({ type: "hold", id: this.#begin.id, hold });
  }

  #plan(ms: number): void {
    if (this.#planned || this.#over) return;
    this.#planned = true;
    this.#parts.clock.after(ms, () => this.#work());
  }

  #work(): void {
    this.#planned = false;
    if (this.#over) return;
    const { clock, cpuMs } = this.#parts;
    const nowMs = clock.monotonicMs();
    const share = this.#begin.cpuPercent / 100;
    this.#credit = Math.min(BURST_MS, this.#credit + (nowMs - this.#creditAt) * share);
    this.#creditAt = nowMs;
    const beganMs = cpuMs();
    const untilMs = beganMs + Math.min(SLICE_MS, this.#credit);
    if (this.#credit > 0) this.#play(() => cpuMs() >= untilMs);
    this.#charge(beganMs);
    if (this.#held && this.#chars < LOW) this.#hold(false);
    if (this.#session.waiting + this.#chars > 0) this.#plan(this.#credit > 1 ? 0 : Math.ceil(SLICE_MS / share));
    this.#tellLater();
  }

  #tellLater(): void {
    if (this.#telling || this.#over) return;
    this.#telling = true;
    this.#parts.clock.after(TELL_MS, () => {
      this.#telling = false;
      if (!this.#over) this.tell();
    });
  }

  tell(): void {
    const counts = countsOf(this.#session);
    this.#measure(counts.compared);
    this.#parts.say({ type: "counts", id: this.#begin.id, counts, perSecond: this.#perSecond });
  }

  /** By what a stream has cost lately, parsing included: the first ones cost many times what others do. */
  #measure(compared: number): void {
    const streams = compared - this.#measured;
    if (streams < MEASURED_STREAMS || this.#workedMs === 0) return;
    const nowMs = this.#parts.clock.monotonicMs();
    const payable = (this.#begin.cpuPercent * 10 * streams) / (this.#workedMs * ALL_IN);
    const played = (1000 * streams) / Math.max(1, nowMs - this.#measuredAt);
    // While something waits, it gets no more of the CPU than this, whatever its share: others want the core.
    const now = this.#chars > LOW / 4 ? Math.min(payable, played) : payable;
    this.#perSecond = Math.max(1, (this.#perSecond + now) / 2);
    this.#measuredAt = nowMs;
    this.#measured = compared;
    this.#workedMs = 0;
  }

  end(): void {
    this.#over = true;
    this.#session.close();
  }
}

const mean = (sum: FuelSum | undefined): number | null => (sum === undefined ? null : Math.round(sum.fuel / sum.count));

/** Lines of a recording that is nowhere. */
const live = (field: FieldReport): FieldReport => ({
  ...field,
  examples: field.examples.map((example) => ({ ...example, line: 0 })),
});

function countsOf({ results, recordedFuel }: Session): ShadowCounts {
  const [b, again] = results;
  if (b === undefined || again === undefined) throw new Error("a shadow has two versions");
  const { tally, diverged, divergences, fault } = b;
  const callbacks = [...new Set([...recordedFuel.keys(), ...b.fuel.keys()])].sort();
  return {
    compared: tally.compared,
    differing: tally.differing,
    noise: { compared: again.tally.compared, differing: again.tally.differing },
    fields: tally.fields(again.tally).map(live),
    perField: tally.counts,
    diverged,
    divergences: divergences.slice(0, MAX_DIVERGENCES).map((one) => ({ ...one, line: 0 })),
    fuel: callbacks.map((callback) => ({
      callback,
      a: mean(recordedFuel.get(callback)),
      b: mean(b.fuel.get(callback)),
    })),
    fault,
  };
}
