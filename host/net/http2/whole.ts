// Whether an answer of an upstream that has ended is all of it. node:http2 says `end` for a stream that the peer has reset
// with code 0 as well, behind what had come: an answer without a length would look complete. Servers on node:http2 do end
// large answers like this when they have not read the request and the client is slow; that is their fault to mend (RFC 9113
// 8.1 wants END_STREAM first).
import { type ClientHttp2Stream, constants } from "node:http2";

/** To be asked in the `end` event, which `close` follows. */
export function isWhole(stream: ClientHttp2Stream): boolean {
  if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) return false;
  // A stream that was reset is destroyed when it has been read, one that closed by itself is not: the only trace there is
  // (core.js, onStreamClose). A Node without it is believed; a test fails there.
  const { destroy } = stream;
  return !stream.listeners("end").some((listener) => listener === destroy);
}
