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
/** Waiting steps: from here on no streams are picked, ... */
const HIGH = 20_000;
/** ... until here, ... */
const LOW = 5_000;
/** ... and beyond here everything that waits is given up. */
const MAX = 200_000;
/** Work without a look at anything else. */
const SLICE_MS = 10;
/** CPU time that may be saved up. */
const BURST_MS = 200;
const TELL_MS = 250;
const MAX_DIVERGENCES = 20;
/** The cost of fewer says little. */
const MEASURED_STREAMS = 20;

export interface ShadowRunParts {
  readonly clock: Clock;
  readonly live: SharedStore | undefined;
  readonly say: (message: FromShadow) => void;
}

export class ShadowRun {
  readonly #begin: ShadowBegin;
  readonly #parts: ShadowRunParts;
  #session: Session;
  #credit = BURST_MS;
  #creditAt: number;
  #held = false;
  #planned = false;
  #telling = false;
  #over = false;
  #workedMs = 0;
  #measured = 0;
  #perSecond: number;

  constructor(begin: ShadowBegin, parts: ShadowRunParts) {
    this.#begin = begin;
    this.#parts = parts;
    this.#creditAt = parts.clock.monotonicMs();
    this.#perSecond = firstPace(begin.cpuPercent);
    const { ignore, a, b } = begin;
    const live = parts.live === undefined ? {} : { live: parts.live };
    this.#session = new Session([b, a], { ignore, sampleStreams: NOISE_STREAMS, ...live });
  }

  /** @param text a JSON array of lines */
  add(text: string): void {
    const beganMs = this.#parts.clock.monotonicMs();
    this.#session.add(JSON.parse(text) as RecordLine[]);
    const parsedMs = this.#parts.clock.monotonicMs() - beganMs;
    this.#workedMs += parsedMs;
    this.#credit -= parsedMs;
    const { id } = this.#begin;
    if (this.#session.waiting > MAX) {
      this.#session.giveUp();
      this.#parts.say({ type: "gap", id });
    } else if (this.#session.waiting > HIGH && !this.#held) this.#hold(true);
    this.#plan(0);
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
    const { clock } = this.#parts;
    const beganMs = clock.monotonicMs();
    const share = this.#begin.cpuPercent / 100;
    this.#credit = Math.min(BURST_MS, this.#credit + (beganMs - this.#creditAt) * share);
    this.#creditAt = beganMs;
    const untilMs = beganMs + Math.min(SLICE_MS, this.#credit);
    this.#session.run(() => clock.monotonicMs() >= untilMs);
    const workedMs = clock.monotonicMs() - beganMs;
    this.#workedMs += workedMs;
    this.#credit -= workedMs;
    if (this.#held && this.#session.waiting < LOW) this.#hold(false);
    if (this.#session.waiting > 0) this.#plan(this.#credit > 1 ? 0 : Math.ceil(SLICE_MS / share));
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
    const now = (this.#begin.cpuPercent * 10 * streams) / this.#workedMs;
    this.#perSecond = Math.max(1, (this.#perSecond + now) / 2);
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
