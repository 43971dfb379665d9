// `proxyProtocol:` of a listener -> whose PROXY headers are read.
import { isAddressRange } from "../net/address-list.ts";
import type { ListenerOptions } from "../net/options.ts";
import type { Reader } from "./reader.ts";

/** Addresses and networks; what is neither is reported. */
export function readRanges(list: Reader): readonly string[] {
  for (const item of list.items) {
    if (isAddressRange(item.text())) continue;
    item.problem("bad_range", `expected an address or a network, got ${JSON.stringify(item.text())}`, {
      hint: "such as 10.0.0.0/8, 192.0.2.1 or 2001:db8::/32; names are not looked up",
    });
  }
  return list.strings();
}

export function readProxyProtocol(reader: Reader): Pick<ListenerOptions, "proxyProtocol"> {
  if (!reader.isPresent) return {};
  const timeout = reader.get("timeout");
  const timeoutMs = timeout.durationMs(5000);
  if (timeoutMs === 0) timeout.problem("bad_timeout", "a header that may come at any time holds a connection for ever");
  return {
    proxyProtocol: { from: readRanges(reader.get("from")), timeoutMs, required: reader.get("required").flag(true) },
  };
}
