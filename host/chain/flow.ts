// Where one filter stands in one direction of one stream, and the bytes it holds back.
//
//   open     everything passes
//   headers  the header callback paused: headers wait here, body and trailers queue up unseen (StopAllIteration)
//   held     the header callback paused after sluice.hold_headers: headers wait, body callbacks go on
//   body     a body callback paused: what it has seen so far waits here
//   trailers the trailer callback paused
import type { HeaderList } from "../abi/headers.ts";
import type { Timer } from "../base/clock.ts";

export type Side = "request" | "response";

export type FlowState = "open" | "headers" | "held" | "body" | "trailers";

const NOTHING = Buffer.alloc(0);

export class Flow {
  state: FlowState = "open";
  /** end_of_stream of the headers that wait. */
  headersEnd = false;
  /** end_of_stream of the newest body chunk that waits. */
  bodyEnd = false;
  /** Trailers that wait behind the pause. */
  trailers: HeaderList | null = null;
  /** They are this filter's own: it does not meet them again. */
  ownTrailers = false;
  /** What queues up behind paused headers may not pass the limit (action 3), instead of stopping there. */
  bounded = false;
  /** Reading from the peer is stopped on behalf of this filter. */
  holding = false;
  /** What the running body callback sees and may edit. */
  view: Buffer | null = null;
  timer: Timer | null = null;
  /**
   * What is held, up to #bytes; grows by doubling. A body in a million pieces must neither be a million buffers nor be put
   * together anew for each of the million callbacks that see all of it.
   */
  #store: Buffer = NOTHING;
  #bytes = 0;
  /** The room around a view that was lent, in case it comes back whole. */
  #room: Buffer | null = null;
  #lent = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get paused(): boolean {
    return this.state !== "open";
  }

  /** `chunk` is owned from here, and never written to. */
  append(chunk: Buffer): void {
    const { length } = chunk;
    if (length === 0) return;
    if (this.#bytes === 0) {
      const room = this.#room;
      const isBack = room !== null && room.buffer === chunk.buffer && room.byteOffset === chunk.byteOffset;
      this.#store = isBack && length === this.#lent ? room : chunk;
      this.#room = null;
    } else {
      if (this.#bytes + length > this.#store.length) this.#grow(this.#bytes + length);
      chunk.copy(this.#store, this.#bytes);
    }
    this.#bytes += length;
  }

  #grow(bytes: number): void {
    const roomier = Buffer.allocUnsafeSlow(bytes * 2);
    this.#store.copy(roomier, 0, 0, this.#bytes);
    this.#store = roomier;
  }

  /** Everything held back, as one buffer; the flow is empty afterwards. */
  take(): Buffer {
    const all = this.#bytes === this.#store.length ? this.#store : this.#store.subarray(0, this.#bytes);
    this.#store = NOTHING;
    this.#bytes = 0;
    this.#room = null;
    return all;
  }

  /** As {@link take}, for somebody who will most likely give it back. */
  lend(): Buffer {
    const room = this.#store;
    const all = this.take();
    this.#lent = all.length;
    if (room.length > all.length) this.#room = room;
    return all;
  }

  /** What a filter may read now: the chunk in its callback, or all it holds back while paused from a body callback. */
  readable(): Buffer | null {
    if (this.view !== null) return this.view;
    if (this.state !== "body" && this.state !== "held" && this.state !== "trailers") return null;
    const all = this.lend();
    this.append(all);
    return all;
  }

  /** Puts an edited buffer back where {@link readable} found it. */
  rewrite(content: Buffer): void {
    if (this.view !== null) {
      this.view = content;
      return;
    }
    this.take();
    this.append(content);
  }

  open(): void {
    this.state = "open";
    this.#room = null;
    this.timer?.cancel();
    this.timer = null;
  }

  /** Forgets everything; for a direction that starts anew or ends. */
  clear(): void {
    this.open();
    this.take();
    this.trailers = null;
    this.ownTrailers = false;
    this.view = null;
    this.bodyEnd = false;
  }
}
