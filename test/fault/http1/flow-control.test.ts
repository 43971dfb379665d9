// Memory per stream: 64 MiB are pushed against whoever reads nothing, in both directions, without filters, with one that
// passes, with one that buffers. What the process holds is measured; what the kernel holds is not ours.
import type { Socket } from "node:net";
import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { Harness } from "../../../host/testing.ts";
import { probeModule } from "../../support/probe.ts";
import { startProxy, type TestProxy, type TestProxyInputs } from "../../support/proxy.ts";
import { dialRaw, pour, Sink, startUpstream, type TestUpstream, untilStill } from "../../support/tcp.ts";
import { expectNoSockets, heldBytes, until } from "../../support/wire.ts";

const MiB = 1024 * 1024;
const TOTAL = 64 * MiB;
/** Our own buffers and those of both toy peers, per stream. */
const PER_STREAM = 512 * 1024;
/** What a test's own machinery and a collector's mood may add. */
const NOISE = 4 * MiB;

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await probeModule();
});
afterEach(expectNoSockets);

const moved = (socket: Socket): number => socket.bytesWritten - socket.writableLength;

/** A filter before the upstream, or none; closes both. */
async function start(filter: boolean, upstream: TestUpstream, inputs: TestProxyInputs = {}) {
  const harness = filter ? new Harness([{ name: "a", wasm, config: { name: "a" } }]) : null;
  const chain = harness === null ? {} : { chain: harness.chain };
  const proxy = await startProxy({ upstreams: [upstream.port], ...chain, ...inputs });
  return Object.assign(proxy as TestProxy, {
    harness,
    async [Symbol.asyncDispose]() {
      proxy.cluster.close();
      await proxy.listener.close();
      expect(harness?.leaks() ?? { streams: 0, contexts: 0 }).toEqual({ streams: 0, contexts: 0 });
      expect(proxy.wheel.size).toBe(0);
      harness?.close();
    },
  });
}

/** What a client sends before its body, if any. */
const get = (probe: string): string => `GET / HTTP/1.1\r\nHost: a\r\nX-Probe: ${probe}\r\n\r\n`;
const post = (probe: string): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nX-Probe: ${probe}\r\nContent-Length: ${TOTAL}\r\n\r\n`;
const HEAD = `HTTP/1.1 200 OK\r\nContent-Length: ${TOTAL}\r\n\r\n`;

/** Reads a head off a socket, then leaves the rest unread. */
async function headOf(socket: Socket): Promise<string> {
  let text = "";
  const read = (chunk: Buffer): void => {
    text += chunk.toString("latin1");
  };
  socket.on("data", read);
  await until(() => text.includes("\r\n\r\n"), "a head");
  socket.off("data", read);
  socket.pause();
  return text;
}

/** `text`, and 64 MiB behind it as fast as they are taken. */
function pourBehind(socket: Socket, text: string): void {
  socket.write(text);
  pour(socket, TOTAL);
}

describe.each([
  ["without a filter", false],
  ["with a filter that sees every piece", true],
])("%s", (_, filter) => {
  test("a client that reads nothing stops the upstream, and everything comes when it reads", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start(filter, upstream);
    const client = await dialRaw(proxy.port);
    client.write(get("none"));
    const server = await upstream.first();
    await headOf(server);
    const before = heldBytes();
    pourBehind(server, HEAD);
    await untilStill(() => moved(server));
    expect(moved(server)).toBeLessThan(TOTAL / 2);
    expect(heldBytes() - before).toBeLessThan(PER_STREAM + NOISE);
    await headOf(client);
    // headOf may have read into the body; the rest must still come.
    const sink = new Sink(client);
    client.resume();
    await until(() => sink.ended || proxy.finished.length > 0, "the end", 30_000);
    expect(proxy.finished[0]?.facts).toMatchObject({ responseBytes: TOTAL, responseFlags: "" });
    client.destroy();
  });

  test("an upstream that reads nothing stops the client, and everything comes when it reads", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start(filter, upstream);
    const client = await dialRaw(proxy.port);
    const before = heldBytes();
    client.resume();
    pourBehind(client, post("none"));
    const server = await upstream.first();
    await headOf(server);
    await untilStill(() => moved(client));
    expect(moved(client)).toBeLessThan(TOTAL / 2);
    expect(heldBytes() - before).toBeLessThan(PER_STREAM + NOISE);
    let received = 0;
    server.on("data", (chunk: Buffer) => (received += chunk.length));
    server.resume();
    await until(() => received >= TOTAL - 256 * 1024 && client.writableLength === 0, "the body", 30_000);
    server.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts).toMatchObject({ responseCode: 200, requestBytes: TOTAL });
    client.destroy();
  });

  test("fifty clients that read nothing hold fifty times a bounded amount", async () => {
    await using upstream = await startUpstream((server) => {
      server.once("data", () => pourBehind(server, HEAD));
    });
    await using proxy = await start(filter, upstream);
    const before = heldBytes();
    const clients: Socket[] = [];
    for (let count = 0; count < 50; count++) {
      const client = await dialRaw(proxy.port);
      client.write(get("none"));
      clients.push(client);
    }
    await until(() => upstream.sockets.length === 50, "all requests");
    await untilStill(() => upstream.sockets.reduce((sum, socket) => sum + moved(socket), 0));
    expect(heldBytes() - before).toBeLessThan(50 * PER_STREAM + NOISE);
    for (const client of clients) client.destroy();
    await proxy.ended(50);
    await until(() => proxy.cluster.connections === 0, "the upstream connections to go");
  });
});

describe("a filter that buffers", () => {
  test("a request body over its limit -> 413, and what was held is let go", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start(true, upstream);
    const client = await dialRaw(proxy.port);
    const before = heldBytes();
    let answer = "";
    client.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
    pourBehind(client, post("buffer"));
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts).toMatchObject({
      responseCode: 413,
      responseCodeDetails: "request_payload_too_large",
    });
    expect(proxy.finished[0]?.facts.requestBytes).toBeLessThan(2 * MiB);
    await until(() => answer.includes("413"), "the answer");
    expect(answer).toMatch(/^HTTP\/1\.1 413 .*\r\n(?:.*\r\n)*connection: close\r\n/);
    client.destroy();
    await until(() => proxy.cluster.connections === 0, "the upstream connection to go");
    // The guest has seen all of it: its memory has grown, and stays.
    expect(heldBytes() - before).toBeLessThan(PER_STREAM + NOISE + 8 * MiB);
  });

  test("an answer over its limit, with the head held -> 500; the upstream is not read on", async () => {
    await using upstream = await startUpstream((server) => {
      server.once("data", () => pourBehind(server, HEAD));
    });
    await using proxy = await start(true, upstream);
    const client = await dialRaw(proxy.port);
    let answer = "";
    client.on("data", (chunk: Buffer) => (answer += chunk.toString("latin1")));
    client.write(get("response-hold"));
    await proxy.ended(1);
    await until(() => answer.includes("\r\n\r\n"), "the answer");
    expect(answer).toMatch(/^HTTP\/1\.1 500 /);
    expect(proxy.finished[0]?.facts).toMatchObject({
      responseCode: 500,
      responseCodeDetails: "response_payload_too_large",
    });
    await until(() => proxy.cluster.connections === 0, "the upstream connection to go");
    client.destroy();
  });

  test("an answer over its limit, with the head gone -> cut off", async () => {
    await using upstream = await startUpstream((server) => {
      server.once("data", () => pourBehind(server, HEAD));
    });
    await using proxy = await start(true, upstream);
    const client = await dialRaw(proxy.port);
    let reset = false;
    client.on("error", () => (reset = true)).resume();
    client.write(get("response-buffer"));
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts.responseCodeDetails).toBe("response_payload_too_large");
    await until(() => client.destroyed, "the end");
    expect(reset).toBe(true);
    await until(() => proxy.cluster.connections === 0, "the upstream connection to go");
  });

  test("a filter paused on the head holds no more than its limit while the client pushes", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start(true, upstream);
    const client = await dialRaw(proxy.port);
    const before = heldBytes();
    client.resume();
    pourBehind(client, post("pause"));
    await untilStill(() => moved(client));
    expect(proxy.finished).toEqual([]);
    expect(moved(client)).toBeLessThan(TOTAL / 2);
    expect(heldBytes() - before).toBeLessThan(4 * MiB + NOISE);
    proxy.harness?.clock.advance(30_000);
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts).toMatchObject({ responseCode: 504, responseCodeDetails: "wasm_pause_timeout" });
    client.destroy();
  });

  test("a body in chunks of one byte costs no more than its length", async () => {
    await using upstream = await startUpstream();
    await using proxy = await start(true, upstream);
    const client = await dialRaw(proxy.port);
    const before = heldBytes();
    client.write("POST / HTTP/1.1\r\nHost: a\r\nX-Probe: gather\r\nTransfer-Encoding: chunked\r\n\r\n");
    client.write(Buffer.from("1\r\nx\r\n".repeat(500_000)));
    await until(() => client.writableLength === 0, "the chunks");
    expect(heldBytes() - before).toBeLessThan(8 * MiB + NOISE);
    client.write("0\r\n\r\n");
    const server = await upstream.first();
    let received = 0;
    server.on("data", (chunk: Buffer) => (received += chunk.length));
    await until(() => received > 500_000, "the body");
    server.write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
    await proxy.ended(1);
    expect(proxy.finished[0]?.facts).toMatchObject({ responseCode: 200, requestBytes: 500_000 });
    client.destroy();
  });
});
