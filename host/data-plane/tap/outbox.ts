// Records on their way to the control side: in bundles, bounded in number and size. What does not fit is counted, and the
// reader is told how many.
import type { Clock } from "../../base/clock.ts";
import type { TappedMessage, TapRecord } from "../../link/tap.ts";

const BUNDLE_MS = 50;
const MAX_RECORDS = 256;
/** Characters of one bundle. */
const MAX_CHARS = 512 * 1024;

export class TapOutbox {
  readonly #clock: Clock;
  readonly #send: (message: TappedMessage) => void;
  #records: { tap: number; record: TapRecord }[] = [];
  #chars = 0;
  #lost: Record<string, number> = {};
  #waiting = false;

  constructor(clock: Clock, send: (message: TappedMessage) => void) {
    this.#clock = clock;
    this.#send = send;
  }

  /** @param chars about how long the record is */
  add(tap: number, record: TapRecord, chars: number): void {
    if (!this.#waiting) this.#clock.after(BUNDLE_MS, () => this.#flush());
    this.#waiting = true;
    if (this.#records.length >= MAX_RECORDS || this.#chars + chars > MAX_CHARS) {
      this.#lost[tap] = (this.#lost[tap] ?? 0) + 1;
      return;
    }
    this.#records.push({ tap, record });
    this.#chars += chars;
  }

  #flush(): void {
    this.#waiting = false;
    const message: TappedMessage = { type: "tapped", records: this.#records, lost: this.#lost };
    this.#records = [];
    this.#chars = 0;
    this.#lost = {};
    this.#send(message);
  }
}
