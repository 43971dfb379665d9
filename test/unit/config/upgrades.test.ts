// `upgrades:` of listeners and routes: what is read, and what is refused.
import { expect, test } from "vitest";
import { MINIMAL, parse, problemsOf, where } from "./support.ts";

const listener = (text: string): string => MINIMAL.replace("    routes:", `    upgrades: ${text}\n    routes:`);
const route = (text: string): string => MINIMAL.replace("{ name: all,", `{ name: all, upgrades: ${text},`);

test("none by default; a list is kept in lower case; a route has its own", async () => {
  const [plain] = (await parse(MINIMAL)).config.listeners;
  expect(plain).not.toHaveProperty("upgrades");
  expect(plain?.routes[0]).not.toHaveProperty("upgrades");
  expect((await parse(listener("[WebSocket, foo/2]"))).config.listeners[0]?.upgrades).toEqual(["websocket", "foo/2"]);
  expect((await parse(route("[]"))).config.listeners[0]?.routes[0]?.upgrades).toEqual([]);
});

test("h2c, CONNECT and what is no name are refused, as is a cluster that speaks HTTP/2", async () => {
  expect((await problemsOf(listener("[h2c, CONNECT]"))).map(where)).toEqual(["4:16 bad_upgrade", "4:21 bad_upgrade"]);
  expect((await problemsOf(listener('["a b"]'))).map(({ message }) => message)[0]).toContain("the name of a protocol");
  const http2 = (text: string): string => text.replace("{ name: web,", "{ name: web, http2: {},");
  expect((await problemsOf(http2(listener("[websocket]")))).map(where)).toEqual(["6:62 upgrade_over_http2"]);
  expect(
    await problemsOf(http2(listener("[websocket]").replace("{ name: all,", "{ name: all, upgrades: [],"))),
  ).toEqual([]);
});

const tunnel = (action: string, match = "{ connect: true }"): string =>
  MINIMAL.replace("clusters:", `      - { name: tunnel, match: ${match}, ${action} }\nclusters:`);

test("a route for CONNECT goes to a cluster, or to what the client names out of a list", async () => {
  const [plain] = (await parse(tunnel("route: { cluster: web }"))).config.listeners;
  expect(plain).toMatchObject({ connect: true, routes: [{}, { match: { exact: "", connect: true } }] });
  const { config } = await parse(tunnel('connect: { authorities: ["*.Example.com:443", "[::1]:22"] }'));
  const cluster = "(connect public/tunnel)";
  expect(config.listeners[0]?.routes[1]?.action).toEqual({ kind: "forward", clusters: [{ cluster, weight: 1 }] });
  expect(config.clusters.at(-1)).toMatchObject({
    name: cluster,
    endpoints: [],
    authorities: ["*.example.com:443", "[::1]:22"],
  });
});

test("authorities without a port, without CONNECT, or beside a path are refused", async () => {
  const codes = async (text: string): Promise<readonly string[]> => (await problemsOf(text)).map(({ code }) => code);
  expect((await problemsOf(tunnel("connect: { authorities: [a] }")))[0]?.message).toContain("host:port");
  expect(await codes(tunnel('connect: { authorities: ["a:1"] }', "{ prefix: / }"))).toContain("needs_connect");
  expect(await codes(tunnel("route: { cluster: web }", "{ prefix: /, connect: true }"))).toEqual(["pick_one"]);
  expect(await codes(tunnel('route: { cluster: web }, connect: { authorities: ["a:1"] }'))).toEqual(["pick_one"]);
});
