// `proxyProtocol:` of listeners and clusters.
import { expect, test } from "vitest";
import { MINIMAL, parse, problemsOf, where } from "./support.ts";

const listener = (text: string): string => MINIMAL.replace("    routes:", `    proxyProtocol: ${text}\n    routes:`);
const cluster = (text: string): string => MINIMAL.replace("{ name: web,", `{ name: web, ${text},`);

test("a listener says whose headers it reads, with defaults for the rest", async () => {
  expect((await parse(MINIMAL)).config.listeners[0]).not.toHaveProperty("proxyProtocol");
  const { config } = await parse(listener('{ from: [10.0.0.0/8, "::1"] }'));
  expect(config.listeners[0]?.proxyProtocol).toEqual({ from: ["10.0.0.0/8", "::1"], timeoutMs: 5000, required: true });
});

test("names, bad networks, nobody at all and no timeout are refused", async () => {
  expect((await problemsOf(listener("{ from: [lb.test, 10.0.0.0/33] }"))).map(where)).toEqual([
    "4:29 bad_range",
    "4:38 bad_range",
  ]);
  expect(await problemsOf(listener("{ from: [] }"))).toHaveLength(1);
  expect(await problemsOf(listener("{}"))).toHaveLength(1);
  const codes = (await problemsOf(listener("{ from: [10.0.0.1], timeout: 0s }"))).map(({ code }) => code);
  expect(codes).toEqual(["bad_timeout"]);
});

test("a cluster sends v1 or v2, and not over HTTP/2", async () => {
  expect((await parse(cluster("proxyProtocol: v2"))).config.clusters[0]?.proxyProtocol).toBe("v2");
  expect(await problemsOf(cluster("proxyProtocol: v3"))).toHaveLength(1);
  const codes = (await problemsOf(cluster("proxyProtocol: v1, http2: {}"))).map(({ code }) => code);
  expect(codes).toEqual(["proxy_protocol_over_http2"]);
});

test("forwarding: defaults, and proxies that would be believed for no hop", async () => {
  const forwarding = (text: string): string => MINIMAL.replace("    routes:", `    forwarding: ${text}\n    routes:`);
  expect((await parse(MINIMAL)).config.listeners[0]).not.toHaveProperty("forwarding");
  expect((await parse(forwarding("{}"))).config.listeners[0]?.forwarding).toEqual({
    useRemoteAddress: true,
    xffNumTrustedHops: 0,
    trustedProxies: [],
    forwarded: "drop",
    preserveExternalRequestId: false,
  });
  const codes = async (text: string): Promise<readonly string[]> =>
    (await problemsOf(forwarding(text))).map(({ code }) => code);
  expect(await codes("{ trustedProxies: [10.0.0.0/8] }")).toEqual(["needs_hops"]);
  expect(await codes("{ trustedProxies: [lb], xffNumTrustedHops: 1 }")).toEqual(["bad_range"]);
  expect(await codes("{ trustedProxies: [10.0.0.0/8], xffNumTrustedHops: 1 }")).toEqual([]);
  expect(await codes("{ xffNumTrustedHops: -1 }")).toHaveLength(1);
});
