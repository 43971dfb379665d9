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
  #chunks: Buffer[] = [];
  #bytes = 0;

  get bytes(): number {
    return this.#bytes;
  }

  get paused(): boolean {
    return this.state !== "open";
  }

  append(chunk: Buffer): void {
    if (chunk.length === 0) return;
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** Everything held back, as one buffer; the flow is empty afterwards. */
  take(): Buffer {
    if (this.#chunks.length === 0) return NOTHING;
    const all = this.#chunks.length === 1 ? (this.#chunks[0] as Buffer) : Buffer.concat(this.#chunks);
    this.#chunks = [];
    this.#bytes = 0;
    return all;
  }

  /** What a filter may read now: the chunk in its callback, or all it holds back while paused from a body callback. */
  readable(): Buffer | null {
    if (this.view !== null) return this.view;
    if (this.state !== "body" && this.state !== "held" && this.state !== "trailers") return null;
    const all = this.take();
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
