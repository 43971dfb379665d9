// x-request-id: version 4 UUIDs (RFC 9562), 256 at a time, because asking for random bytes costs more than the rest.
import type { Random } from "../base/random.ts";
import { isVisible } from "./http1/chars.ts";

const PER_BATCH = 256;
const VARIANTS = "89ab";

export class RequestIds {
  readonly #random: Random;
  readonly #bytes = Buffer.alloc(16 * PER_BATCH);
  #hex = "";
  #at = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  next(): string {
    if (this.#at === this.#hex.length) this.#refill();
    const hex = this.#hex;
    const at = this.#at;
    this.#at = at + 32;
    const variant = VARIANTS[hex.charCodeAt(at + 16) & 3] as string;
    return `${hex.slice(at, at + 8)}-${hex.slice(at + 8, at + 12)}-4${hex.slice(at + 13, at + 16)}-${variant}${hex.slice(at + 17, at + 20)}-${hex.slice(at + 20, at + 32)}`;
  }

  #refill(): void {
    this.#random.fill(this.#bytes);
    this.#hex = this.#bytes.toString("hex");
    this.#at = 0;
  }
}

/** Whether a client's id is kept: visible ASCII, of a length that fits a log. */
export const isRequestId = (id: string): boolean => id.length <= 128 && isVisible(id);
