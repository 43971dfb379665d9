// The body of one message, whatever frames it: a length, chunks, or the end of the connection. Steps say where data lies; the
// reader never copies and never calls back.
import type { HeaderList } from "../../abi/headers.ts";
import { ChunkedDecoder, Step } from "./chunked-decoder.ts";
import type { Rejection } from "./rejection.ts";

type Framing = "length" | "chunked" | "close";

export class BodyReader {
  from = 0;
  to = 0;
  at = 0;
  /** With Step.data: these bytes are the last of the body. Never set for chunked bodies, which end with Step.end. */
  last = false;
  #framing: Framing = "length";
  #left = 0;
  /** Made when the first chunked body comes: most connections never see one. */
  #decoder: ChunkedDecoder | null = null;

  get trailers(): HeaderList | null {
    return this.#decoder?.trailers ?? null;
  }

  get rejection(): Rejection {
    return this.#decoder?.rejection ?? "bad_chunk";
  }

  /** Bytes to come of a body with a length; Infinity for the others. */
  get left(): number {
    return this.#framing === "length" ? this.#left : Infinity;
  }

  /** Whether the end of the connection is a proper end of the body. */
  get endsWithConnection(): boolean {
    return this.#framing === "close";
  }

  /** @param length bytes; more than 0 */
  openLength(length: number): void {
    this.#framing = "length";
    this.#left = length;
  }

  openChunked(): void {
    this.#framing = "chunked";
    this.#decoder ??= new ChunkedDecoder();
    this.#decoder.reset();
    this.last = false;
  }

  openUntilClose(): void {
    this.#framing = "close";
    this.last = false;
  }

  /** Goes on at `at` in `bytes`, which hold input up to `end`; `at < end`. See {@link Step}. */
  step(bytes: Buffer, at: number, end: number): number {
    if (this.#framing === "chunked") return this.#chunk(bytes, at, end);
    const length = this.#framing === "close" ? end - at : Math.min(this.#left, end - at);
    this.from = at;
    this.to = at + length;
    this.at = this.to;
    if (this.#framing === "length") {
      this.#left -= length;
      this.last = this.#left === 0;
    }
    return Step.data;
  }

  #chunk(bytes: Buffer, at: number, end: number): number {
    const decoder = this.#decoder;
    if (decoder === null) return Step.bad;
    const step = decoder.step(bytes, at, end);
    this.from = decoder.from;
    this.to = decoder.to;
    this.at = decoder.at;
    return step;
  }
}
