// `http2:` of listeners and clusters -> their options.
import type { Http2Options } from "../net/options.ts";
import type { ClusterOptions } from "../upstream/options.ts";
import type { Reader } from "./reader.ts";

const KiB = 1024;
/** RFC 9113 6.9.1: a window never grows beyond it. */
const MAX_WINDOW = 2 ** 31 - 1;
/** RFC 9113 6.9.2: what a connection's window begins with, and cannot be made smaller. */
const MIN_CONNECTION_WINDOW = 64 * KiB - 1;

function window(reader: Reader, byDefault: number, least: number): number {
  const bytes = reader.bytes(byDefault);
  if (bytes < least || bytes > MAX_WINDOW) {
    reader.problem("bad_window", `a window has ${least} to ${MAX_WINDOW} bytes, got ${bytes}`, {
      hint: "64KiB to 1MiB serve most connections",
    });
  }
  return bytes;
}

/** On unless it is `false`. */
export function readHttp2(reader: Reader): Http2Options | undefined {
  if (reader.value === false) return undefined;
  return {
    maxConcurrentStreams: reader.get("maxConcurrentStreams").number(100),
    initialStreamWindowSize: window(reader.get("initialStreamWindowSize"), 64 * KiB, 1),
    initialConnectionWindowSize: window(reader.get("initialConnectionWindowSize"), KiB * KiB, MIN_CONNECTION_WINDOW),
    maxConnectionDurationMs: reader.get("maxConnectionDuration").durationMs(0),
    streamResetBurst: reader.get("streamResetBurst").number(1000),
    streamResetRate: reader.get("streamResetRate").number(33),
    maxControlFrames: reader.get("maxControlFrames").number(1000),
  };
}

/** Off unless it is there. @param maxRequests the threshold, which needs it */
export function readClusterHttp2(cluster: Reader, maxRequests: Reader): Pick<ClusterOptions, "http2" | "maxRequests"> {
  const reader = cluster.get("http2");
  if (!reader.isPresent) {
    if (maxRequests.isPresent) {
      maxRequests.problem("needs_http2", "maxRequests counts requests that share connections, which HTTP/1.1 has not", {
        hint: "use maxConnections, or give the cluster http2",
      });
    }
    return {};
  }
  return {
    maxRequests: maxRequests.number(1024),
    http2: {
      maxConcurrentStreams: reader.get("maxConcurrentStreams").number(100),
      initialStreamWindowSize: window(reader.get("initialStreamWindowSize"), 256 * KiB, 1),
      initialConnectionWindowSize: window(reader.get("initialConnectionWindowSize"), KiB * KiB, MIN_CONNECTION_WINDOW),
    },
  };
}
