// Collects what one turn writes to one wire and sends it with as few system calls as possible: small pieces become one
// latin1 string, large ones go through cork/uncork as they are.
import type { Wire } from "../upstream/transport.ts";
import { latin1 } from "./latin1.ts";

/** Below this, copying into the string is cheaper than another entry of writev (performance.md 2.3, 4.3). */
export const SMALL_BYTES = 4096;
/** Longer strings are handed on: one write of this size is as good as one of twice the size. */
const MAX_TEXT = 32 * 1024;

export class Outbox {
  readonly #wire: Wire;
  #text = "";
  #corked = false;
  #ready = true;

  constructor(wire: Wire) {
    this.#wire = wire;
  }

  /** Characters are bytes. */
  text(text: string): void {
    this.#text = this.#text === "" ? text : this.#text + text;
    if (this.#text.length > MAX_TEXT) this.#pass();
  }

  /** The outbox owns `bytes` from here. */
  bytes(bytes: Buffer): void {
    if (bytes.length < SMALL_BYTES) {
      this.text(latin1(bytes, 0, bytes.length));
      return;
    }
    this.#pass();
    this.#write(bytes);
  }

  /** Sends what was collected. False: the peer is slow and more than the wire's buffer is waiting. */
  flush(): boolean {
    if (this.#corked) {
      this.#pass();
      this.#wire.uncork();
      this.#corked = false;
    } else if (this.#text !== "") {
      const text = this.#text;
      this.#text = "";
      this.#ready = this.#wire.write(text);
    }
    const ready = this.#ready;
    this.#ready = true;
    return ready;
  }

  #pass(): void {
    if (this.#text === "") return;
    const text = this.#text;
    this.#text = "";
    this.#write(text);
  }

  #write(data: string | Buffer): void {
    if (!this.#corked) this.#wire.cork();
    this.#corked = true;
    if (!this.#wire.write(data)) this.#ready = false;
  }
}
