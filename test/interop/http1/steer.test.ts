// What filters decide about a route, executed by the router: over real sockets, with a chain made by the test.
import { afterEach, describe, expect, test } from "vitest";
import { setFilterState } from "../../../host/plugin/stream-notes.ts";
import type { RouteDecision } from "../../../host/route/decision.ts";
import { Deciding } from "../../support/deciding.ts";
import { chainOf, route, startProxy } from "../../support/proxy.ts";
import { exchange, expectNoSockets, fixedUpstream, OK, rawUpstream } from "../../support/wire.ts";

afterEach(expectNoSockets);
const LAST = "GET /a HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";

const start = (decision: Omit<RouteDecision, "by">, inputs: Parameters<typeof startProxy>[0]) =>
  startProxy({ ...inputs, chain: chainOf((port) => new Deciding(port, decision)) });

describe("a filter's decision", () => {
  test("rewrites host and path as the upstream sees them", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(
      { hostRewrite: "b.test:81", pathRewrite: "/b?x=1" },
      { upstreams: [upstream.port] },
    );
    expect(await exchange(proxy.port, LAST)).toContain("200 OK");
    expect(upstream.received()).toMatch(/^GET \/b\?x=1 HTTP\/1.1\r\nhost: b.test:81\r\n/i);
  });

  test("may be a query without a path, which goes out behind a slash", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start({ pathRewrite: "?x=1" }, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toContain("200 OK");
    expect(upstream.received()).toMatch(/^GET \/\?x=1 HTTP\/1.1\r\n/);
  });

  test("leads to its cluster in place of the route's", async () => {
    await using upstream = await fixedUpstream(OK);
    const routes = [route({ action: { kind: "forward", clusters: [{ cluster: "elsewhere", weight: 1 }] } })];
    await using proxy = await start({ cluster: "up" }, { upstreams: [upstream.port], routes });
    expect(await exchange(proxy.port, LAST)).toContain("200 OK");
    expect((await proxy.ended(1))[0]?.facts.clusterName).toBe("up");
  });

  test("leads where no route does", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start({ cluster: "up" }, { upstreams: [upstream.port], routes: [] });
    expect(await exchange(proxy.port, LAST)).toContain("200 OK");
  });

  test("for a cluster that does not exist is answered 503 with flag NC", async () => {
    await using proxy = await start({ cluster: "nowhere" }, {});
    expect(await exchange(proxy.port, LAST)).toContain("503");
    expect((await proxy.ended(1))[0]?.facts).toMatchObject({ responseFlags: "NC", clusterName: "nowhere" });
  });

  test.each([
    ["the route's timeout", { routeTimeoutMs: 60 }, "504", "UT"],
    ["the idle timeout", { idleTimeoutMs: 60 }, "504", "UT"],
  ])("replaces %s", async (_what, decision, code, flag) => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await start(decision, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toContain(code);
    expect((await proxy.ended(1))[0]?.facts.responseFlags).toBe(flag);
  });
});

test("filter state of a connection is there for its next request, and not for other connections", async () => {
  await using upstream = await fixedUpstream(OK);
  const seen: string[] = [];
  const chain = chainOf((port) => {
    const state = (port.facts.connectionState.filterState ??= new Map());
    seen.push([...state.keys()].join());
    setFilterState(state, "wasm.kept", { value: Buffer.from("v"), readonly: false });
    return new Deciding(port, {});
  });
  await using proxy = await startProxy({ upstreams: [upstream.port], chain });
  const again = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
  await exchange(proxy.port, again + LAST);
  await exchange(proxy.port, LAST);
  expect(seen).toEqual(["", "wasm.kept", ""]);
});
