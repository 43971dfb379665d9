// Other people's HTTP/2: curl, nghttp and h2load against a listener and through an HTTP/2 cluster; TLS with ALPN on both
// sides; and the drain as they see it.
import { execFile, execFileSync } from "node:child_process";
import { createServer as createHttpServer } from "node:http";
import { connect, createSecureServer, type ServerHttp2Stream } from "node:http2";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { rawHttp2 } from "../../support/grpc.ts";
import { answerOf, FRAME, h2Client, headers, ping, PREFACE, RawClient } from "../../support/http2.ts";
import { route, startProxy } from "../../support/proxy.ts";
import { authority, clientTls, dialTls, local, serverTls, tlsUpstream } from "../../support/tls.ts";
import { expectNoSockets, rawUpstream, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

const direct = route({ action: { kind: "direct", status: 200, body: "ok" } });
const run = async (command: string, ...args: string[]): Promise<string> =>
  (await promisify(execFile)(command, args, { maxBuffer: 64 * 1024 * 1024 })).stdout;
const installed = (command: string, ...args: string[]): boolean => {
  try {
    execFileSync(command, args, { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
};
const needs = (context: { skip(note: string): void }, command: string, debian: string): void => {
  if (!installed(command, "--version")) {
    context.skip(`${command} is not installed (Debian package ${debian})`);
  }
};

async function echoUpstream() {
  const server = createHttpServer({ keepAliveTimeout: 60_000 }, (request, response) => {
    let bytes = 0;
    request.on("data", (piece: Buffer) => (bytes += piece.length));
    request.on("end", () => response.end(`${request.method} ${bytes}`));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe("other clients", () => {
  test("curl with prior knowledge: GET, HEAD, uploads", async (context) => {
    needs(context, "curl", "curl");
    await using upstream = await echoUpstream();
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const curl = (...args: string[]) =>
      run("curl", "-s", "--http2-prior-knowledge", "--max-time", "10", ...args, `http://127.0.0.1:${proxy.port}/x?y=1`);
    expect(await curl()).toBe("GET 0");
    expect(await curl("-I")).toMatch(/^HTTP\/2 200/);
    expect(await curl("-d", "x".repeat(100_000))).toBe("POST 100000");
    expect(await curl("-H", "Expect: 100-continue", "-T", "package.json")).toMatch(/^PUT [1-9]/);
    expect(await curl("-w", " %{http_version}")).toBe("GET 0 2");
    // An upgrade from HTTP/1.1 is declined: the answer is HTTP/1.1.
    const upgrade = ["-s", "--http2", "-w", " %{http_version}", `http://127.0.0.1:${proxy.port}/`];
    expect(await run("curl", ...upgrade)).toBe("GET 0 1.1");
  });

  test("nghttp reads an answer over HTTP/2 on both sides", async (context) => {
    needs(context, "nghttp", "nghttp2-client");
    await using upstream = await rawHttp2();
    upstream.server.on("stream", (stream: ServerHttp2Stream) => {
      stream.respond({ ":status": 200 });
      stream.end("from afar");
    });
    await using proxy = await startProxy({
      upstreams: [upstream.port],
      cluster: {
        http2: { maxConcurrentStreams: 100, initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 },
      },
    });
    const text = await run("nghttp", "-v", `http://127.0.0.1:${proxy.port}/`);
    expect(text).toContain(":status: 200");
    expect(text).toContain("from afar");
  });

  test("h2load: thousands of streams over a few connections, none fails", async (context) => {
    needs(context, "h2load", "nghttp2-client");
    await using upstream = await echoUpstream();
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const text = await run("h2load", "-n3000", "-c8", "-m10", `http://127.0.0.1:${proxy.port}/`);
    expect(text).toMatch(/requests: 3000 total, 3000 started, 3000 done, 3000 succeeded, 0 failed/);
    expect(proxy.metric("sluice_http_active_requests")).toBe(0);
    await until(() => proxy.listener.connections === 0, "the connections to end");
  });
});

describe("TLS", () => {
  const alpn = ["h2", "http/1.1"];

  test("a client that agrees on h2 speaks HTTP/2, one that does not HTTP/1.1", async (context) => {
    needs(context, "curl", "curl");
    await using proxy = await startProxy({ routes: [direct], listener: { tls: serverTls({ alpn }) } });
    const url = `https://127.0.0.1:${proxy.port}/`;
    const session = connect(url, { ca: authority.cert });
    session.on("error", () => {});
    expect(await answerOf(session.request({ ":path": "/" }))).toMatchObject({ status: 200, body: "ok", whole: true });
    session.destroy();
    expect(await run("curl", "-sk", "--http1.1", "--max-time", "10", url)).toBe("ok");
    expect(await run("curl", "-sk", "--http2", "--max-time", "10", "-w", "%{http_version}", url)).toBe("ok2");
    const seen = proxy.finished.map(({ facts }) => [facts.protocol, facts.scheme, facts.tls?.alpn]);
    expect(seen).toEqual([
      ["HTTP/2", "https", "h2"],
      ["HTTP/1.1", "https", "http/1.1"],
      ["HTTP/2", "https", "h2"],
    ]);
  });

  test("floods are seen there too", async () => {
    await using proxy = await startProxy({
      routes: [direct],
      listener: { tls: serverTls({ alpn }) },
      http2: { maxControlFrames: 50 },
    });
    const socket = await dialTls(proxy.port, { ALPNProtocols: ["h2"] });
    socket.write(Buffer.concat([PREFACE, ...Array.from({ length: 200 }, () => ping())]));
    socket.resume();
    await until(() => socket.destroyed, "the connection to end");
    expect(proxy.metric("sluice_http_rejected_total", { reason: "http2_control_flood" })).toBe(1);
  });

  test("HTTP/2 to an upstream is agreed on; one that does not agree is a connect failure that says why", async () => {
    const seen: string[] = [];
    const server = createSecureServer({ key: local.key, cert: local.cert });
    server.on("stream", (stream: ServerHttp2Stream, head) => {
      seen.push(String(head[":scheme"]));
      stream.respond({ ":status": 200 });
      stream.end("secured");
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const { port } = server.address() as AddressInfo;
    const http2 = { maxConcurrentStreams: 100, initialStreamWindowSize: 65_535, initialConnectionWindowSize: 65_535 };
    const cluster = { http2, tls: clientTls() };
    {
      await using proxy = await startProxy({ upstreams: [port], cluster });
      await using client = await h2Client(proxy.port);
      expect(await client.get()).toMatchObject({ status: 200, body: "secured" });
      expect(seen).toEqual(["https"]);
      expect(proxy.finished[0]?.facts.upstreamTls).toMatchObject({ version: "TLSv1.3", alpn: "h2" });
    }
    await new Promise((resolve) => server.close(resolve));
    await using plain = await tlsUpstream();
    await using proxy = await startProxy({ upstreams: [plain.port], cluster });
    await using client = await h2Client(proxy.port);
    expect((await client.get()).status).toBe(503);
    expect(proxy.finished[0]?.facts).toMatchObject({ responseFlags: "UF" });
    expect(proxy.finished[0]?.facts.transportFailure).toContain("the peer does not speak HTTP/2");
  });
});

describe("the drain", () => {
  test("clients are told to go, streams finish, new ones are refused, connections close", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = new RawClient(proxy.port);
    client.send(PREFACE, headers(1));
    await until(() => upstream.connections.length === 1, "the request");
    const idle = new RawClient(proxy.port);
    idle.send(PREFACE);
    await idle.waitFor(FRAME.settings);
    const drained = proxy.listener.drain(5000);
    // Stream 1 is the last that is served; whatever comes behind it may be sent again elsewhere.
    expect((await client.waitFor(FRAME.goaway)).payload.readUInt32BE()).toBe(1);
    client.send(headers(3));
    // A connection that comes now is served once.
    const late = new RawClient(proxy.port);
    late.send(PREFACE, headers(1));
    await until(() => upstream.connections.length === 2, "the late request");
    upstream.connections[1]!.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await late.waitFor(FRAME.data);
    expect((await late.waitFor(FRAME.goaway)).payload.readUInt32BE()).toBe(1);
    upstream.connections[0]!.send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    await client.waitFor(FRAME.data);
    await drained;
    expect(
      client
        .of(FRAME.data)
        .map(({ stream }) => stream)
        .sort(),
    ).toEqual([1]);
    expect(client.of(FRAME.goaway).every(({ payload }) => payload.readUInt32BE(4) === 0)).toBe(true);
    expect(upstream.connections).toHaveLength(2);
    await until(() => client.closed && idle.closed && late.closed, "the connections to close");
  });

  test("what is not over in time is cut off", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const answer = client.get();
    await until(() => upstream.connections.length === 1, "the request");
    await proxy.listener.drain(300);
    expect(await answer).toMatchObject({ status: 0, whole: false });
    expect(proxy.finished[0]?.facts.responseFlags).toBe("DC");
  });
});
