// Who the client is behind trusted proxies, over HTTP/1.1 and HTTP/2, and what the upstream is told: every case is a row.
import { afterEach, describe, expect, test } from "vitest";
import type { ForwardingOptions } from "../../../host/net/options.ts";
import { nthFromRight } from "../../../host/net/forwarding.ts";
import { h2Client } from "../../support/http2.ts";
import { chainOf, startProxy } from "../../support/proxy.ts";
import { dial, expectNoSockets, fixedUpstream, OK } from "../../support/wire.ts";

const EDGE: ForwardingOptions = {
  useRemoteAddress: true,
  xffNumTrustedHops: 0,
  trustedProxies: [],
  forwarded: "drop",
  preserveExternalRequestId: false,
};
const ME = "127.0.0.1";

interface Case {
  readonly name: string;
  readonly options?: Partial<ForwardingOptions>;
  readonly sent: Readonly<Record<string, string>>;
  readonly client: string;
  /** What the upstream sees of these; "" = nothing, /…/ = something like it. */
  readonly seen: Readonly<Record<string, string | RegExp>>;
}

const FRESH = /^[0-9a-f]{8}-[0-9a-f]{4}-4/;
const CASES: readonly Case[] = [
  {
    name: "an edge believes nobody: the peer is the client, and its claims are overwritten or added to",
    sent: {
      "x-forwarded-for": "1.1.1.1",
      "x-forwarded-proto": "https",
      "x-request-id": "mine",
      forwarded: "for=1.1.1.1",
    },
    client: ME,
    seen: { "x-forwarded-for": `1.1.1.1, ${ME}`, "x-forwarded-proto": "http", "x-request-id": FRESH, forwarded: "" },
  },
  {
    name: "an edge adds what is not there",
    sent: {},
    client: ME,
    seen: { "x-forwarded-for": ME, "x-forwarded-proto": "http" },
  },
  {
    name: "one hop: the last address is the client, and its proxy's words count",
    options: { xffNumTrustedHops: 1 },
    sent: { "x-forwarded-for": "6.6.6.6, 1.1.1.1", "x-forwarded-proto": "https", "x-request-id": "mine" },
    client: "1.1.1.1",
    seen: { "x-forwarded-for": `6.6.6.6, 1.1.1.1, ${ME}`, "x-forwarded-proto": "https", "x-request-id": "mine" },
  },
  {
    name: "two hops: the second from the right",
    options: { xffNumTrustedHops: 2 },
    sent: { "x-forwarded-for": "6.6.6.6, 1.1.1.1, 10.0.0.1" },
    client: "1.1.1.1",
    seen: { "x-forwarded-for": `6.6.6.6, 1.1.1.1, 10.0.0.1, ${ME}` },
  },
  {
    name: "fewer addresses than hops: the peer",
    options: { xffNumTrustedHops: 3 },
    sent: { "x-forwarded-for": "6.6.6.6, 1.1.1.1" },
    client: ME,
    seen: { "x-forwarded-for": `6.6.6.6, 1.1.1.1, ${ME}` },
  },
  {
    name: "something that is no address: the peer",
    options: { xffNumTrustedHops: 1 },
    sent: { "x-forwarded-for": "1.1.1.1, unknown" },
    client: ME,
    seen: { "x-forwarded-for": `1.1.1.1, unknown, ${ME}` },
  },
  {
    name: "an address with a port, and IPv6 with brackets",
    options: { xffNumTrustedHops: 1 },
    sent: { "x-forwarded-for": "6.6.6.6, [2001:db8::1]:4711" },
    client: "2001:db8::1",
    seen: { "x-forwarded-for": `6.6.6.6, [2001:db8::1]:4711, ${ME}` },
  },
  {
    name: "a proxy on the list is believed",
    options: { xffNumTrustedHops: 1, trustedProxies: ["127.0.0.0/8"] },
    sent: { "x-forwarded-for": "1.1.1.1", "x-forwarded-host": "a.test", "x-request-id": "mine" },
    client: "1.1.1.1",
    seen: { "x-forwarded-for": `1.1.1.1, ${ME}`, "x-forwarded-host": "a.test", "x-request-id": "mine" },
  },
  {
    name: "whoever is not on the list has said nothing",
    options: { xffNumTrustedHops: 1, trustedProxies: ["10.0.0.0/8"], forwarded: "append" },
    sent: {
      "x-forwarded-for": "1.1.1.1",
      "x-forwarded-proto": "https",
      "x-forwarded-host": "a.test",
      "x-forwarded-port": "1",
      "x-real-ip": "1.1.1.1",
      forwarded: "for=1.1.1.1",
      "x-request-id": "mine",
    },
    client: ME,
    seen: {
      "x-forwarded-for": ME,
      "x-forwarded-proto": "http",
      "x-forwarded-host": "",
      "x-forwarded-port": "",
      "x-real-ip": "",
      forwarded: `for=${ME};host="a";proto=http`,
      "x-request-id": FRESH,
    },
  },
  {
    name: "without useRemoteAddress the list is read as it is, and stays so",
    options: { useRemoteAddress: false },
    sent: { "x-forwarded-for": "6.6.6.6, 1.1.1.1", "x-forwarded-proto": "https", "x-request-id": "mine" },
    client: "1.1.1.1",
    seen: { "x-forwarded-for": "6.6.6.6, 1.1.1.1", "x-forwarded-proto": "https", "x-request-id": "mine" },
  },
  {
    name: "without useRemoteAddress one more hop is one further to the left",
    options: { useRemoteAddress: false, xffNumTrustedHops: 1 },
    sent: { "x-forwarded-for": "1.1.1.1, 10.0.0.1" },
    client: "1.1.1.1",
    seen: { "x-forwarded-for": "1.1.1.1, 10.0.0.1" },
  },
  {
    name: "a scheme that is none is not kept",
    options: { xffNumTrustedHops: 1 },
    sent: { "x-forwarded-for": "1.1.1.1", "x-forwarded-proto": "https, http" },
    client: "1.1.1.1",
    seen: { "x-forwarded-proto": "http" },
  },
  {
    name: "Forwarded is added to",
    options: { forwarded: "append" },
    sent: { forwarded: 'for="[2001:db8::1]"' },
    client: ME,
    seen: { forwarded: `for="[2001:db8::1]", for=${ME};host="a";proto=http` },
  },
  {
    name: "Forwarded is kept",
    options: { forwarded: "keep" },
    sent: { forwarded: "for=1.1.1.1" },
    client: ME,
    seen: { forwarded: "for=1.1.1.1" },
  },
  {
    name: "a request id of anybody is kept where that is wanted, if it is one",
    options: { preserveExternalRequestId: true },
    sent: { "x-request-id": "mine" },
    client: ME,
    seen: { "x-request-id": "mine" },
  },
  {
    name: "a request id that is none is not kept",
    options: { preserveExternalRequestId: true },
    sent: { "x-request-id": "a b" },
    client: ME,
    seen: { "x-request-id": FRESH },
  },
];

const fieldsOf = (head: string): ReadonlyMap<string, string> =>
  new Map([...head.matchAll(/^([a-z-]+): (.*)\r$/gm)].map(([, name, value]) => [name!, value!]));

afterEach(() => expectNoSockets());

describe.each(["HTTP/1.1", "HTTP/2"])("over %s", (protocol) => {
  test.each(CASES)("$name", async ({ options, sent, client, seen }) => {
    await using upstream = await fixedUpstream(OK);
    const forwarding = { ...EDGE, ...options };
    await using proxy = await startProxy({ upstreams: [upstream.port], listener: { forwarding } });
    if (protocol === "HTTP/2") {
      await using h2 = await h2Client(proxy.port);
      await h2.get({ ...sent });
    } else {
      const h1 = await dial(proxy.port);
      const lines = Object.entries(sent).map(([name, value]) => `${name}: ${value}\r\n`);
      h1.send(`GET / HTTP/1.1\r\nHost: a\r\n${lines.join("")}\r\n`);
      await h1.waitFor("\r\n\r\nok");
      h1.socket.destroy();
    }
    await proxy.ended(1);
    const { facts } = proxy.finished[0]!;
    expect(facts.sourceAddress).toBe(client);
    expect(facts.peerAddress).toBe(client === ME ? "" : ME);
    const fields = fieldsOf(upstream.received());
    expect(fields.get("x-request-id")).toBe(facts.requestId);
    for (const [name, expected] of Object.entries(seen)) {
      if (expected instanceof RegExp) expect(fields.get(name)).toMatch(expected);
      else expect(fields.get(name) ?? "").toBe(expected);
    }
    for (const name of Object.keys(sent)) {
      expect(upstream.received().split(`\r\n${name}: `).length).toBeLessThanOrEqual(2);
    }
  });
});

test("several lines of x-forwarded-for are one list, read from its end", async () => {
  await using upstream = await fixedUpstream(OK);
  const forwarding = { ...EDGE, xffNumTrustedHops: 1 };
  await using proxy = await startProxy({ upstreams: [upstream.port], listener: { forwarding } });
  const client = await dial(proxy.port);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: 2.2.2.2\r\n\r\n");
  await client.waitFor("\r\n\r\nok");
  expect(upstream.received()).toContain(`x-forwarded-for: 1.1.1.1, 2.2.2.2, ${ME}\r\n`);
  expect(proxy.finished[0]?.facts.sourceAddress).toBe("2.2.2.2");
  client.socket.destroy();
});

test("filters and experiments see the client from their first callback on", async () => {
  await using upstream = await fixedUpstream(OK);
  const seen: string[] = [];
  const chain = chainOf((port) => {
    seen.push(`${port.facts.sourceAddress} ${port.facts.sourcePort}`);
    return {
      requestHeaders: (headers, end) => port.forwardRequestHeaders(headers, end),
      requestBody: () => {},
      requestTrailers: () => {},
      responseHeaders: (headers, end) => port.forwardResponseHeaders(headers, end),
      responseBody: (chunk, end) => port.forwardResponseBody(chunk, end),
      responseBodyPasses: true,
      parsedRequest: null,
      parsedResponse: null,
      responseTrailers: () => {},
      localReply: () => {},
      end: () => {},
    };
  });
  const forwarding = { ...EDGE, xffNumTrustedHops: 1 };
  await using proxy = await startProxy({ upstreams: [upstream.port], listener: { forwarding }, chain });
  const client = await dial(proxy.port);
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n");
  await client.waitFor("\r\n\r\nok");
  client.send("GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: 2.2.2.2\r\n\r\n");
  await proxy.ended(2);
  expect(seen).toEqual(["1.1.1.1 0", "2.2.2.2 0"]);
  client.socket.destroy();
});

test.each([
  ["a", 1, ""],
  ["1.1.1.1", 1, "1.1.1.1"],
  ["1.1.1.1", 2, ""],
  ["", 1, ""],
  [",", 1, ""],
  [",", 2, ""],
  ["1.1.1.1,", 1, ""],
  ["1.1.1.1,", 2, "1.1.1.1"],
  ["1.1.1.1 , 2.2.2.2", 2, "1.1.1.1"],
  ["::1", 1, "::1"],
  ["[::1]", 1, "::1"],
  ["1.1.1.1:80", 1, "1.1.1.1"],
  ["1.1.1.1:800000", 1, ""],
  ["fe80::1%eth0", 1, ""],
  ["1.1.1.256", 1, ""],
  ['"1.1.1.1"', 1, ""],
])("of %j the address %i from the right is %j", (list, place, expected) => {
  expect(nthFromRight(list, place)).toBe(expected);
});
