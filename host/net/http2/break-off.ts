// Resetting a stream of node:http2 without ending it first. `close` ends the writable side, and a stream that was asked to
// wait for trailers then wants them in the middle of its own destruction, when the reset is asked for while the socket is
// being read: an assertion, and the end of the process (nodejs/node issue 41458; seen with Node 26.10).
import type { Http2Stream } from "node:http2";

/** Ends nothing: what was written is not the whole. */
const unfinished = (done: (error?: Error | null) => void): void => done();

/** @param code of RST_STREAM. Idempotent */
export function breakOff(stream: Http2Stream, code: number): void {
  if (stream.closed || stream.destroyed) return;
  if (!stream.writableEnded) stream._final = unfinished;
  stream.close(code);
  // A stream whose reading is paused closes only when it has been read.
  stream.resume();
}
