// The battery of PROXY headers: against the parser, byte by byte, and on real sockets in front of HTTP and TCP.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parseHeader, type Parsed } from "../../../host/net/proxy-protocol/parse.ts";
import { startProxy, type TestProxy } from "../../support/proxy.ts";
import { startTcp, startUpstream, type TestTcp, type TestUpstream } from "../../support/tcp.ts";
import { dial, expectAtRest, expectNoSockets, fixedUpstream, OK, type RawUpstream, until } from "../../support/wire.ts";
import { BAD_HEADERS, GOOD_HEADERS, HALF_HEADERS } from "./vectors.ts";

const FROM = { from: ["127.0.0.0/8"], timeoutMs: 60_000, required: true };
const GET = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

function said(parsed: Parsed): string {
  if (parsed.kind !== "done") return parsed.kind === "bad" ? parsed.reason : "more";
  const { addresses } = parsed;
  if (addresses === null) return "";
  const { sourceAddress, sourcePort, destinationAddress, destinationPort } = addresses;
  return `${sourceAddress}:${sourcePort}>${destinationAddress}:${destinationPort}`;
}

describe("the parser", () => {
  test.each([...GOOD_HEADERS, ...BAD_HEADERS, ...HALF_HEADERS])("$name says $says", ({ bytes, says }) => {
    const parsed = parseHeader(bytes);
    expect(said(parsed)).toBe(says);
    if (parsed.kind === "done") expect(parsed.length).toBe(bytes.length);
  });

  test.each(GOOD_HEADERS)("$name is not taken for whole before it is, nor for bad", ({ bytes, says }) => {
    for (let end = 1; end < bytes.length; end++) expect(said(parseHeader(bytes.subarray(0, end)))).toBe("more");
    const parsed = parseHeader(Buffer.concat([bytes, Buffer.from("GET /")]));
    expect(said(parsed)).toBe(says);
    if (parsed.kind === "done") expect(parsed.length).toBe(bytes.length);
  });

  test.each(BAD_HEADERS)("$name is bad or unfinished at every length, and never whole", ({ bytes }) => {
    for (let end = 1; end <= bytes.length; end++) expect(parseHeader(bytes.subarray(0, end)).kind).not.toBe("done");
  });
});

describe("in front of HTTP", () => {
  let upstream: RawUpstream;
  let proxy: TestProxy;

  beforeAll(async () => {
    upstream = await fixedUpstream(OK);
    proxy = await startProxy({ upstreams: [upstream.port], listener: { proxyProtocol: FROM } });
  });
  afterAll(async () => {
    await expectAtRest(proxy);
    await proxy[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
    await expectNoSockets();
  });

  test.each(BAD_HEADERS)(
    "$name closes the connection, and no byte of it is read as a request",
    async ({ bytes, says }) => {
      const before = proxy.finished.length;
      const client = await dial(proxy.port);
      client.send(Buffer.concat([bytes, Buffer.from(GET)]));
      expect(await client.waitForEnd()).toBe("");
      await proxy.ended(before + 1);
      expect(proxy.finished).toHaveLength(before + 1);
      const { facts } = proxy.finished[before]!;
      // What follows the header may have made it longer than it was.
      if (!/without end|longest/.test(says)) expect(facts.responseCodeDetails).toMatch(/^proxy_protocol_/);
      expect(facts.responseFlags).toMatch(/DPE|DC/);
      expect(upstream.received()).toBe("");
    },
  );

  test.each(GOOD_HEADERS)("$name, in one piece with a request, in two, and byte by byte", async ({ bytes, says }) => {
    const pieces = [[Buffer.concat([bytes, Buffer.from(GET)])], [bytes, Buffer.from(GET)]];
    if (bytes.length < 60) pieces.push([...bytes].map((byte) => Buffer.from([byte])).concat([Buffer.from(GET)]));
    for (const parts of pieces) {
      const before = proxy.finished.length;
      const client = await dial(proxy.port);
      for (const part of parts) {
        client.send(part);
        await new Promise((turn) => setImmediate(turn));
      }
      expect(await client.waitForEnd()).toMatch(/^HTTP\/1\.1 200 OK/);
      await proxy.ended(before + 1);
      const { facts } = proxy.finished[before]!;
      const own = `127.0.0.1:${facts.sourcePort}>127.0.0.1:${proxy.port}`;
      const got = `${facts.sourceAddress}:${facts.sourcePort}>${facts.destinationAddress}:${facts.destinationPort}`;
      expect(got).toBe(says === "" ? own : says);
      if (says !== "") expect(upstream.received()).toContain(`x-forwarded-for: ${facts.sourceAddress}\r\n`);
    }
    // What the upstream has seen so far is of no interest to the tests that follow.
  });
});

describe("in front of TCP", () => {
  let upstream: TestUpstream;
  let proxy: TestTcp;

  beforeAll(async () => {
    upstream = await startUpstream((socket) => void socket.pipe(socket));
    proxy = await startTcp({ upstreams: [upstream.port], proxyProtocol: FROM });
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
  });

  test.each(GOOD_HEADERS)("$name is taken away, and what follows is carried", async ({ bytes, says }) => {
    const before = proxy.finished.length;
    const client = await dial(proxy.port);
    client.send(Buffer.concat([bytes, Buffer.from("payload")]));
    await client.waitFor("payload");
    expect(client.text).toBe("payload");
    client.socket.end();
    await until(() => proxy.finished.length > before, "the end");
    const { sourceAddress, sourcePort } = proxy.finished[before]!;
    if (says !== "") expect(says).toMatch(`${sourceAddress}:${sourcePort}>`);
  });

  test.each(HALF_HEADERS)("$name and the end costs a connection and nothing else", async ({ bytes }) => {
    const before = proxy.finished.length;
    const client = await dial(proxy.port);
    client.socket.end(bytes);
    await client.waitForEnd();
    await until(() => proxy.finished.length > before, "the end");
    expect(proxy.finished[before]?.responseCodeDetails).toBe("proxy_protocol_disconnected");
  });
});
