// What a listener with `protocol: tcp` says, and what it must not say: keys of the other protocol are refused by name, since
// they would be ignored.
import type { TcpOptions } from "../net/options.ts";
import type { Reader } from "./reader.ts";

const HTTP_KEYS = ["routes", "armHeader", "http2", "upgrades", "forwarding"] as const;
const TCP_LIMITS: readonly string[] = ["bufferBytes", "maxConnections"];

function refuse(reader: Reader, message: string, hint: string): void {
  if (reader.isPresent) reader.problem("wrong_protocol", message, { at: "key", hint });
}

function refuseHttpKeys(listener: Reader): void {
  for (const key of HTTP_KEYS) {
    refuse(listener.get(key), `"${key}" means nothing on a tcp listener`, "remove it; tcp.cluster says where bytes go");
  }
  for (const [key, limit] of listener.get("limits").entries.filter(([key]) => !TCP_LIMITS.includes(key))) {
    const hint = key === "idleTimeout" ? "use tcp.idleTimeout" : "remove it";
    refuse(limit, `"${key}" is a limit of HTTP listeners`, hint);
  }
}

/** The `tcp` part of a listener; undefined for one that speaks HTTP. */
export function readTcp(listener: Reader): TcpOptions | undefined {
  const tcp = listener.get("tcp");
  if (listener.get("protocol").oneOf(["http", "tcp"], "http") === "http") {
    refuse(tcp, '"tcp" is for listeners with protocol: tcp', "add protocol: tcp, or remove it");
    return undefined;
  }
  refuseHttpKeys(listener);
  if (!tcp.isPresent) {
    listener.get("protocol").problem("missing_key", 'missing key "tcp"', { hint: "add tcp: { cluster: NAME }" });
  }
  return {
    cluster: tcp.get("cluster").text(),
    idleTimeoutMs: tcp.get("idleTimeout").durationMs(3_600_000),
    maxConnectAttempts: tcp.get("maxConnectAttempts").number(1),
  };
}
