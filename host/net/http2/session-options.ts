// What node:http2 is told about a client's connection: limits it keeps by itself. Those it does not know are in
// flood-guard.ts.
import type { ServerSessionOptions } from "node:http2";
import type { Http2Options, ListenerLimits } from "../options.ts";

/** Pseudo headers, and some more so that a client with a few too many reads 431 instead of a reset. */
const SPARE_PAIRS = 36;
/** Megabytes that node:http2 may hold for one connection before it refuses streams. */
const SESSION_MEMORY_MB = 16;
/** Frames that break the rules without ending the connection, empty DATA and malformed heads among them. */
const MAX_INVALID_FRAMES = 100;
/** Streams beyond the limit, which a client that has read our SETTINGS does not open. */
const MAX_REJECTED_STREAMS = 100;

/** @param extended extended CONNECT is offered (RFC 8441) */
export function sessionOptions(options: Http2Options, limits: ListenerLimits, extended: boolean): ServerSessionOptions {
  return {
    maxSessionMemory: SESSION_MEMORY_MB,
    maxSessionInvalidFrames: MAX_INVALID_FRAMES,
    maxSessionRejectedStreams: MAX_REJECTED_STREAMS,
    maxHeaderListPairs: limits.maxHeaders + SPARE_PAIRS,
    // A second net below our own count, which says ENHANCE_YOUR_CALM and is seen in the metrics.
    streamResetBurst: options.streamResetBurst + 100,
    streamResetRate: options.streamResetRate + 10,
    strictSingleValueFields: false,
    settings: {
      enablePush: false,
      enableConnectProtocol: extended,
      maxConcurrentStreams: options.maxConcurrentStreams,
      initialWindowSize: options.initialStreamWindowSize,
      maxHeaderListSize: limits.maxHeaderBytes,
    },
  };
}
