// Upstreams that misbehave over time, many at once, with and without a filter: the right status and flag in the access log,
// no client that hangs, no connection used again, and nothing left behind afterwards. What one answer can do wrong is the
// table in response-vectors.ts.
import { createServer, type AddressInfo } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { formatAccess } from "../../../host/observe/access-log.ts";
import { Harness } from "../../../host/testing.ts";
import { probeModule } from "../../support/probe.ts";
import { route, startProxy } from "../../support/proxy.ts";
import {
  type Client,
  dial,
  expectAtRest,
  expectNoSockets,
  heldBytes,
  type RawUpstream,
  rawUpstream,
  until,
} from "../../support/wire.ts";

const AT_ONCE = 20;
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\nabc";
const HEAD = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";

interface Case {
  readonly name: string;
  /** Done to every connection with a complete head, once. */
  readonly deed: (peer: Client) => void;
  readonly request?: string;
  /** Seen by the client; 0 = nothing, its connection is broken off. */
  readonly status: number;
  readonly flags: string;
  readonly details: string;
  /** The answer had begun and is cut off. */
  readonly cut?: boolean;
  /** The client goes away by itself. */
  readonly leaves?: boolean;
}

/** Sends `piece` again and again until nobody takes it any more. */
function drip(peer: Client, piece: string): void {
  if (peer.closed || peer.socket.destroyed) return;
  peer.send(piece);
  setImmediate(() => drip(peer, piece));
}

const TIMEOUT = { status: 504, flags: "UT", details: "upstream_response_timeout" } as const;
const RESET = { status: 503, flags: "UC", details: "upstream_reset" } as const;
const GARBAGE = { status: 502, flags: "UPE", details: "upstream_protocol_error" } as const;
const CUT = { status: 200, flags: "UC", details: "upstream_reset_after_response_started", cut: true } as const;
const LATE = { status: 200, flags: "UT", details: "upstream_response_timeout", cut: true } as const;

const CASES: readonly Case[] = [
  { name: "never answers", deed: () => {}, ...TIMEOUT },
  { name: "sends a 100 and never answers", deed: (peer) => peer.send("HTTP/1.1 100 Continue\r\n\r\n"), ...TIMEOUT },
  { name: "begins a status line and stops", deed: (peer) => peer.send("HTTP/1.1 2"), ...TIMEOUT },
  { name: "begins a head and stops", deed: (peer) => peer.send("HTTP/1.1 200 OK\r\nX: "), ...TIMEOUT },
  { name: "closes", deed: (peer) => void peer.socket.end(), ...RESET },
  { name: "resets", deed: (peer) => void peer.socket.resetAndDestroy(), ...RESET },
  { name: "closes in the head", deed: (peer) => void peer.socket.end("HTTP/1.1 200 OK\r\nX: "), ...RESET },
  {
    name: "resets in the head",
    deed: (peer) => void peer.socket.write("HTTP/1.1 200 OK\r\nX", () => peer.socket.resetAndDestroy()),
    ...RESET,
  },
  {
    name: "drips headers for ever",
    deed: (peer) => (peer.send("HTTP/1.1 200 OK\r\n"), drip(peer, `X: ${"a".repeat(500)}\r\n`)),
    ...GARBAGE,
  },
  {
    name: "drips one header for ever",
    deed: (peer) => (peer.send("HTTP/1.1 200 OK\r\nX: "), drip(peer, "a".repeat(500))),
    ...GARBAGE,
  },
  { name: "drips 1xx for ever", deed: (peer) => drip(peer, "HTTP/1.1 102 Processing\r\n\r\n"), ...GARBAGE },
  { name: "drips NULs", deed: (peer) => drip(peer, "\0\0\0\0"), ...GARBAGE },
  { name: "echoes the request", deed: (peer) => peer.send(GET), ...GARBAGE },
  { name: "answers and stops in the body", deed: (peer) => peer.send(`${HEAD}abc`), ...LATE },
  { name: "answers and stops before a chunk", deed: (peer) => peer.send(CHUNKED), ...LATE },
  { name: "answers and stops in a chunk", deed: (peer) => peer.send(`${CHUNKED}9\r\nabc`), ...LATE },
  { name: "drips a body for ever", deed: (peer) => (peer.send(CHUNKED), drip(peer, "1\r\na\r\n")), ...LATE },
  { name: "closes in the body", deed: (peer) => void peer.socket.end(`${HEAD}abc`), ...CUT },
  {
    name: "resets in the body",
    deed: (peer) => void peer.socket.write(`${HEAD}abc`, () => setImmediate(() => peer.socket.resetAndDestroy())),
    ...CUT,
  },
  { name: "closes between chunks", deed: (peer) => void peer.socket.end(`${CHUNKED}3\r\nabc\r\n`), ...CUT },
  {
    name: "drips a trailer for ever",
    deed: (peer) => (peer.send(`${CHUNKED}0\r\nX: `), drip(peer, "a".repeat(500))),
    ...CUT,
  },
  {
    name: "drips an extension for ever",
    deed: (peer) => (peer.send(`${CHUNKED}1;`), drip(peer, "a".repeat(500))),
    ...CUT,
  },
  {
    name: "changes its mind in the body",
    deed: (peer) => (peer.send(`${CHUNKED}3\r\nabc\r\n`), setImmediate(() => peer.send(HEAD))),
    ...CUT,
  },
  {
    name: "answers before the request has ended",
    request: POST,
    deed: (peer) => peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig"),
    status: 413,
    flags: "",
    details: "via_upstream",
  },
  {
    name: "answers before the request has ended and resets",
    request: POST,
    deed: (peer) =>
      void peer.socket.write("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig", () =>
        setImmediate(() => peer.socket.resetAndDestroy()),
      ),
    status: 413,
    flags: "",
    details: "via_upstream",
  },
  {
    name: "resets while the request is sent",
    request: POST,
    deed: (peer) => void peer.socket.resetAndDestroy(),
    ...RESET,
  },
  {
    name: "has clients that go away",
    deed: () => {},
    status: 0,
    flags: "DC",
    details: "downstream_disconnect",
    leaves: true,
  },
];

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await probeModule();
});
afterEach(expectNoSockets);

async function misbehaving(deed: (peer: Client) => void): Promise<RawUpstream> {
  const seen = new Set<Client>();
  return rawUpstream((peer) => {
    if (seen.has(peer) || !peer.text.includes("\r\n\r\n")) return;
    seen.add(peer);
    deed(peer);
  });
}

async function run(tried: Case, filter: boolean): Promise<void> {
  const clock = new VirtualClock();
  const harness = filter ? new Harness([{ name: "a", wasm, config: { name: "a" } }]) : null;
  await using upstream = await misbehaving(tried.deed);
  await using proxy = await startProxy({
    upstreams: [upstream.port],
    routes: [route({ timeoutMs: 2000 })],
    limits: { streamIdleTimeoutMs: 1000 },
    clock,
    ...(harness === null ? {} : { chain: harness.chain }),
  });
  const clients = await Promise.all(Array.from({ length: AT_ONCE }, () => dial(proxy.port)));
  for (const client of clients) client.send(tried.request ?? GET);
  await until(() => upstream.connections.length === AT_ONCE, "all requests");
  if (tried.leaves === true) for (const { socket } of clients) socket.resetAndDestroy();
  // Time passes, as far as it takes; whatever needs none has ended by itself.
  for (let turn = 0; turn < 500 && proxy.finished.length < AT_ONCE; turn++) {
    for (let spin = 0; spin < 20 && proxy.finished.length < AT_ONCE; spin++)
      await new Promise((next) => setImmediate(next));
    if (turn > 20) clock.advance(20);
  }
  expect(proxy.finished).toHaveLength(AT_ONCE);
  for (const { facts } of proxy.finished) {
    const line = JSON.parse(formatAccess("json", facts, { method: "GET", path: "/", authority: "a", userAgent: "" }));
    expect(line).toMatchObject({ status: tried.status, flags: tried.flags, details: tried.details, attempts: 1 });
  }
  for (const client of clients) {
    if (tried.leaves === true) continue;
    if (tried.cut === true) await until(() => client.reset, "the cut");
    else expect(await client.waitFor("\r\n\r\n")).toContain(`HTTP/1.1 ${tried.status} `);
    expect(client.text).not.toContain("\r\n0\r\n");
  }
  // None of these connections may serve again.
  await until(() => proxy.cluster.connections === 0, "the upstream connections to go");
  for (const { socket } of clients) socket.destroy();
  await expectAtRest(proxy);
  expect(harness?.leaks() ?? { streams: 0, contexts: 0 }).toEqual({ streams: 0, contexts: 0 });
  expect(harness?.faults ?? []).toEqual([]);
  harness?.close();
}

describe.each([
  ["without a filter", false],
  ["with a filter", true],
])("an upstream, %s, that", (_, filter) => {
  test.each(CASES)("$name -> $status $flags", (tried) => run(tried, filter));
});

test("no endpoint, no route, no cluster, no listener: the flags say which", async () => {
  const server = createServer();
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address() as AddressInfo;
  await new Promise((closed) => server.close(closed));
  const action = { kind: "forward", clusters: [{ cluster: "none", weight: 1 }] } as const;
  const routes = [
    route({ match: { prefix: "/nc", headers: [] }, action }),
    route({ match: { prefix: "/up", headers: [] } }),
  ];
  for (const [upstreams, expected] of [
    [[], ["404 NR", "503 NC", "503 UH"]],
    [[port], ["404 NR", "503 NC", "503 UF"]],
  ] as const) {
    await using proxy = await startProxy({ upstreams, routes });
    const client = await dial(proxy.port);
    for (const path of ["/nr", "/nc", "/up"]) {
      client.send(`GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`);
      await proxy.ended(["/nr", "/nc", "/up"].indexOf(path) + 1);
    }
    expect(proxy.finished.map(({ facts }) => `${facts.responseCode} ${facts.responseFlags}`)).toEqual(expected);
    client.socket.destroy();
    await expectAtRest(proxy);
  }
});

test("the battery, round after round, leaves no memory behind", { timeout: 120_000 }, async () => {
  const quick = CASES.filter(({ name }) => !name.includes("for ever"));
  const round = async (): Promise<void> => {
    for (const tried of quick) await run(tried, true);
  };
  await round();
  await round();
  const before = heldBytes();
  for (let turn = 0; turn < 5; turn++) await round();
  // 5 rounds are 2 000 exchanges: 2 MiB are a kilobyte for each.
  expect(heldBytes() - before).toBeLessThan(2 * 1024 * 1024);
});
