// What a direction needs of its stream. HttpFilterStream implements it.
import type { HeaderList } from "../abi/headers.ts";
import type { Side } from "./flow.ts";
import type { StreamContext } from "./stream-context.ts";

export interface DirectionOwner {
  readonly filterCount: number;
  /** The filter's context on this stream, created if `side` is request; null = not part of this stream. */
  contextAt(index: number, side: Side): StreamContext | null;
  /** Everything has passed: towards the peer. */
  forwardHeaders(side: Side, headers: HeaderList, end: boolean): void;
  forwardBody(side: Side, chunk: Buffer, end: boolean): void;
  forwardTrailers(side: Side, trailers: HeaderList): void;
  hold(side: Side, hold: boolean): void;
  /** A filter's buffer is over its limit. */
  overflow(side: Side): void;
  pauseTimedOut(): void;
}
