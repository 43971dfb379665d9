// The text decoder that generated glue is given. What a component returns is read by JavaScript, where no fuel is charged:
// four million list items that all point to one text of 10 MB would hold the thread for hours. So every text read counts
// against what a callback may hand over.
import { MAX_HEADER_BYTES, MAX_REPLY_BYTES } from "../../abi/limits.ts";

/** Bytes of text in one callback: an answer's headers, and log lines on the way. Bodies are bytes, not text. */
const MAX_TEXT_BYTES = MAX_REPLY_BYTES + 4 * MAX_HEADER_BYTES;
/** What reading a text costs at least, in the same bytes: an empty one is not free. */
const PER_TEXT = 64;

export class TextLimitError extends Error {
  constructor() {
    super(`more than ${MAX_TEXT_BYTES} bytes of text handed over in one callback`);
    this.name = "TextLimitError";
  }
}

export class Meter {
  readonly #most: number;
  #used = 0;

  /** @param most bytes of text between two resets */
  constructor(most = MAX_TEXT_BYTES) {
    this.#most = most;
  }

  /** At the start of a callback. */
  reset(): void {
    this.#used = 0;
  }

  /** @throws TextLimitError */
  charge(bytes: number): void {
    this.#used += bytes + PER_TEXT;
    if (this.#used > this.#most) throw new TextLimitError();
  }
}

export class MeteredDecoder {
  readonly #meter: Meter;
  readonly #decoder: TextDecoder;

  constructor(meter: Meter, label: string | undefined) {
    this.#meter = meter;
    this.#decoder = new TextDecoder(label);
  }

  decode(bytes?: Uint8Array | Uint16Array): string {
    this.#meter.charge(bytes?.byteLength ?? 0);
    return this.#decoder.decode(bytes);
  }
}
