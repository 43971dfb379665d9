// `forwarding:` of a listener -> which proxies in front of it are believed.
import type { ListenerOptions } from "../net/options.ts";
import { readRanges } from "./read-proxy-protocol.ts";
import type { Reader } from "./reader.ts";

export function readForwarding(reader: Reader): Pick<ListenerOptions, "forwarding"> {
  if (!reader.isPresent) return {};
  const useRemoteAddress = reader.get("useRemoteAddress").flag(true);
  const xffNumTrustedHops = reader.get("xffNumTrustedHops").number(0);
  const proxies = reader.get("trustedProxies");
  const trustedProxies = readRanges(proxies);
  if (trustedProxies.length > 0 && useRemoteAddress && xffNumTrustedHops === 0) {
    proxies.problem(
      "needs_hops",
      "trustedProxies are believed for as many hops as xffNumTrustedHops says, which is 0",
      {
        hint: "add xffNumTrustedHops: 1 for one proxy in front",
      },
    );
  }
  return {
    forwarding: {
      useRemoteAddress,
      xffNumTrustedHops,
      trustedProxies,
      forwarded: reader.get("forwarded").oneOf(["drop", "keep", "append"], "drop"),
      preserveExternalRequestId: reader.get("preserveExternalRequestId").flag(false),
    },
  };
}
