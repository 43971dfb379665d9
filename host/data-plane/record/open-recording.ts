// One recording on one data thread: picks streams, keeps the twins they run on, and sends what those did in bundles.
import type { Clock } from "../../base/clock.ts";
import type { Random } from "../../base/random.ts";
import type { StreamFacts } from "../../chain/ports.ts";
import type { Arm, ChainSlot } from "../../chain/slot.ts";
import type { StreamWatch } from "../../chain/watched-stream.ts";
import type { DataLink } from "../../link/link.ts";
import type { RecordedMessage, RecordingMessage } from "../../link/record.ts";
import type { Generation } from "../../plugin/generation.ts";
import type { PluginServices } from "../../plugin/services.ts";
import type { RecordLine } from "../../replay/events.ts";
import { TwinSet } from "../twin-set.ts";
import { RecordedTwin } from "./recorded-twin.ts";

/** Each bundle wakes two threads: a shadow looks no oftener, and nobody waits for a recording. */
const BUNDLE_MS = 250;
/** Lines that are written down together. What is written soon dies young, and long texts would hold requests up. */
const WRITTEN_LINES = 64;
/** Characters that are sent without waiting for more. */
const BUNDLE_CHARS = 256 * 1024;
/** Lines of one bundle beyond which no stream is begun. */
const MAX_LINES = 20_000;

export interface RecordingParts {
  readonly clock: Clock;
  readonly random: Random;
  readonly thread: number;
  readonly services: PluginServices;
  readonly link: Pick<DataLink, "send">;
}

export class OpenRecording {
  message: RecordingMessage;
  readonly #parts: RecordingParts;
  readonly #twins = new TwinSet((live) => this.#make(live));
  #made = 0;
  #lines: RecordLine[] = [];
  /** JSON arrays of lines, without their brackets. */
  #written: string[] = [];
  #chars = 0;
  #streams = 0;
  #dropped = 0;
  #waiting = false;
  /** Streams that may be begun now, as of `#paceMs`. */
  #tokens = 0;
  #paceMs: number;

  constructor(message: RecordingMessage, parts: RecordingParts) {
    this.message = message;
    this.#parts = parts;
    this.#paceMs = parts.clock.monotonicMs();
  }

  /** Instances that exist. */
  get twins(): number {
    return this.#twins.size;
  }

  /** Is this stream one of those to be recorded? */
  picks(slots: readonly ChainSlot[]): boolean {
    const { filter, percent, hold } = this.message;
    // The dice first: most requests need to know no more.
    if (this.#parts.random.fraction() * 100 >= percent || !slots.some((slot) => slot.filter === filter)) return false;
    if (!hold && this.#lines.length < MAX_LINES && this.#paced()) return true;
    this.#dropped++;
    this.#wake();
    return false;
  }

  /** Evenly over the second: a burst would meet a reader that has just as little time for it. */
  #paced(): boolean {
    const { maxPerSecond } = this.message;
    if (maxPerSecond === Infinity) return true;
    const nowMs = this.#parts.clock.monotonicMs();
    const saved = this.#tokens + ((nowMs - this.#paceMs) * maxPerSecond) / 1000;
    this.#tokens = Math.min(Math.max(1, maxPerSecond / 10), saved);
    this.#paceMs = nowMs;
    if (this.#tokens < 1) return false;
    this.#tokens--;
    return true;
  }

  watch(facts: StreamFacts): StreamWatch {
    const begun: { readonly twin: RecordedTwin; readonly id: number }[] = [];
    let chosen: RecordedTwin | null = null;
    return {
      slots: (own) =>
        own.map((slot) =>
          slot.filter === this.message.filter ? this.#twinned(slot, (twin) => (chosen = twin)) : slot,
        ),
      entered: (arm, id, isOpen) => {
        if (chosen === null || arm.generation !== chosen.generation) return undefined;
        chosen.begin(id, arm.config, facts, isOpen);
        begun.push({ twin: chosen, id });
        return undefined;
      },
      ended: () => {
        for (const { twin, id } of begun) twin.end(id);
        this.#streams += begun.length;
        if (this.#lines.length >= WRITTEN_LINES) this.#write();
        if (this.#chars < BUNDLE_CHARS) this.#wake();
        else this.#tell();
      },
    };
  }

  #twinned(slot: ChainSlot, chosen: (twin: RecordedTwin) => void): ChainSlot {
    return {
      filter: slot.filter,
      choose: (headers, requestId, peer) => {
        const arm = slot.choose(headers, requestId, peer);
        const twin = arm === null ? null : this.#twinOf(arm);
        if (arm === null || twin === null) return arm;
        chosen(twin);
        return { ...arm, generation: twin.generation };
      },
    };
  }

  /** Null: another version, or a twin that cannot take streams (yet). What only the twin suffers is no request's failure. */
  #twinOf({ generation, config }: Arm): RecordedTwin | null {
    if (generation.spec.version !== this.message.version || generation.state !== "live") return null;
    const twin = this.#twins.of(generation);
    if (twin?.ready(config) === true) return twin;
    this.#dropped++;
    return null;
  }

  #make(generation: Generation): RecordedTwin {
    const { services, thread } = this.#parts;
    const { maxBodyBytes, tells } = this.message;
    const name = `${thread}-${++this.#made}`;
    return new RecordedTwin(generation, { services, name, maxBodyBytes, tells, say: (line) => this.#say(line) });
  }

  #say(line: RecordLine): void {
    this.#lines.push(line);
    this.#wake();
  }

  #write(): void {
    if (this.#lines.length === 0) return;
    const text = JSON.stringify(this.#lines).slice(1, -1);
    this.#lines = [];
    this.#written.push(text);
    this.#chars += text.length;
  }

  #wake(): void {
    if (!this.#waiting) this.#parts.clock.after(BUNDLE_MS, () => this.flush());
    this.#waiting = true;
  }

  flush(): void {
    this.#waiting = false;
    this.#tell();
  }

  #tell(): void {
    this.#twins.forEach((twin) => twin.flush());
    this.#write();
    const text = this.#chars === 0 ? "" : `[${this.#written.join(",")}]`;
    const { id } = this.message;
    const message: RecordedMessage = { type: "recorded", id, text, streams: this.#streams, dropped: this.#dropped };
    this.#written = [];
    this.#chars = 0;
    this.#streams = 0;
    this.#dropped = 0;
    if (text !== "" || message.streams > 0 || message.dropped > 0) this.#parts.link.send(message);
  }

  /** Gives back the twins of generations that leave, or all of them. */
  settle(keep: boolean, deadlineMs: number): void {
    this.#twins.settle(keep, deadlineMs);
  }
}
