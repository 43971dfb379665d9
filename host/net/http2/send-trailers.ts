// The last words of a stream that was asked to wait for trailers: with none, an empty DATA frame ends it.
import { constants, type Http2Stream } from "node:http2";
import type { HeaderList } from "../../abi/headers.ts";
import { breakOff } from "./break-off.ts";
import { trailerFields } from "./lists.ts";

/** To be called in `wantTrailers`. */
export function sendTrailers(stream: Http2Stream, trailers: HeaderList): void {
  if (stream.closed || stream.destroyed) return;
  try {
    stream.sendTrailers(trailerFields(trailers));
  } catch {
    breakOff(stream, constants.NGHTTP2_INTERNAL_ERROR);
  }
}
