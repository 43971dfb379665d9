// The battery of upstream answers on real sockets: what is refused, what is cut, what passes, and that a connection which
// has seen anything doubtful never serves again.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startProxy, type TestProxy } from "../../support/proxy.ts";
import { type Client, dial, expectNoSockets, rawUpstream, type RawUpstream, until } from "../../support/wire.ts";
import { RESPONSE_VECTORS, type ResponseVector } from "./response-vectors.ts";

const NEXT = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nnext";

describe("answers of upstreams", () => {
  let upstream: RawUpstream;
  let proxy: TestProxy;
  /** The first request gets this; whatever comes after it, on any connection, gets NEXT. */
  let vector: ResponseVector | null = null;

  beforeAll(async () => {
    upstream = await rawUpstream((peer) => {
      if (!peer.text.includes("\r\n\r\n")) return;
      peer.text = "";
      const now = vector;
      vector = null;
      if (now === null) peer.send(NEXT);
      else if (now.closes) peer.socket.end(now.text, "latin1");
      else peer.send(now.text);
    });
    proxy = await startProxy({ upstreams: [upstream.port] });
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
    await expectNoSockets();
  });

  async function send(sent: ResponseVector): Promise<Client> {
    // A pool without connections: one that served before may be stale, and a stale one is tried again.
    for (const { socket } of upstream.connections) socket.destroy();
    await until(() => proxy.cluster.connections === 0, "an empty pool");
    upstream.connections.length = 0;
    vector = sent;
    const client = await dial(proxy.port);
    client.send(`${sent.method} / HTTP/1.1\r\nHost: a\r\n\r\n`);
    return client;
  }

  /** The facts of the exchange that `sent` was part of, after it and another request on the same connection. */
  async function outcome(sent: ResponseVector): Promise<{ text: string; reset: boolean; facts: object }> {
    const before = proxy.finished.length;
    const client = await send(sent);
    await proxy.ended(before + 1);
    if (sent.outcome === "cut") await client.waitForEnd();
    else {
      await client.waitFor("\r\n\r\n");
      client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
      await client.waitForEnd();
    }
    const { text, reset } = client;
    client.socket.destroy();
    return { text, reset, facts: proxy.finished[before]?.facts ?? {} };
  }

  const of = (wanted: string): ResponseVector[] => RESPONSE_VECTORS.filter(({ outcome }) => outcome === wanted);

  test.each(of("refused"))("$name -> 502, UPE", async (sent) => {
    const { text, facts } = await outcome(sent);
    expect(text).toMatch(/^HTTP\/1\.1 502 Bad Gateway\r\n.*next$/s);
    expect(facts).toMatchObject({
      responseCode: 502,
      responseFlags: "UPE",
      responseCodeDetails: "upstream_protocol_error",
    });
    expectDropped();
  });

  test.each(of("reset"))("$name, then the end -> 503, UC", async (sent) => {
    const { text, facts } = await outcome(sent);
    expect(text).toMatch(/^(?:HTTP\/1\.1 100 Continue\r\n\r\n)?HTTP\/1\.1 503 Service Unavailable\r\n.*next$/s);
    expect(facts).toMatchObject({ responseCode: 503, responseFlags: "UC", responseCodeDetails: "upstream_reset" });
    expectDropped();
  });

  test.each(of("cut"))("$name -> cut off, UC", async (sent) => {
    const { text, reset, facts } = await outcome(sent);
    expect(reset).toBe(true);
    expect(text).not.toContain("\r\n0\r\n");
    expect(facts).toMatchObject({
      responseFlags: "UC",
      responseCodeDetails: "upstream_reset_after_response_started",
    });
    expect(proxy.cluster.connections).toBe(0);
  });

  test.each(of("whole"))("$name passes; its connection is kept: $kept", async (sent) => {
    const { text, facts } = await outcome(sent);
    expect(facts).toMatchObject({ responseFlags: "", responseCodeDetails: "via_upstream" });
    expect(bodyOf(text.slice(0, text.lastIndexOf("HTTP/1.1 200 OK")))).toBe(sent.body);
    expect(text).toMatch(/next$/);
    expect(text).not.toMatch(/okay|more/);
    expect(upstream.connections).toHaveLength(sent.kept ? 1 : 2);
  });

  /** Nobody gets what the refused connection still holds: it is gone, and the second request had another. */
  function expectDropped(): void {
    expect(upstream.connections).toHaveLength(2);
    expect(proxy.cluster.connections).toBe(1);
  }

  test("nothing is left behind", async () => {
    await until(() => proxy.listener.connections === 0, "the clients to go");
    expect(proxy.metric("sluice_http_active_requests")).toBe(0);
    expect(proxy.metric("sluice_cluster_upstream_rq_active")).toBe(0);
    expect(proxy.metric("sluice_cluster_upstream_rq_pending_active")).toBe(0);
    expect(proxy.metric("sluice_cluster_upstream_cx_protocol_error_total")).toBeGreaterThanOrEqual(
      of("refused").length,
    );
  });
});

/** The body of the last answer in `text`, whichever way it is framed. */
function bodyOf(text: string): string {
  const at = text.lastIndexOf("HTTP/1.1 ");
  const end = text.indexOf("\r\n\r\n", at) + 4;
  const body = text.slice(end);
  if (!/\r\ntransfer-encoding: chunked\r\n/.test(text.slice(at, end))) return body;
  return [...body.matchAll(/([0-9a-f]+)\r\n/g)].length === 0 ? "" : dechunk(body);
}

function dechunk(text: string): string {
  let rest = text;
  let data = "";
  for (;;) {
    const size = Number.parseInt(rest, 16);
    const from = rest.indexOf("\r\n") + 2;
    if (!(size > 0)) return data;
    data += rest.slice(from, from + size);
    rest = rest.slice(from + size + 2);
  }
}
