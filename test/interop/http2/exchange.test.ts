// What a client sees of ordinary HTTP/2 traffic over a listener that speaks HTTP/1.1 as well. Clients are node:http2 and
// raw frames; upstreams speak HTTP/1.1.
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { EMPTY_CHAIN, route, startProxy } from "../../support/proxy.ts";
import { exchange, expectNoSockets, fixedUpstream, OK, rawUpstream, until } from "../../support/wire.ts";
import {
  answerOf,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  GET_FIELDS,
  h2Client,
  headers,
  NGHTTP2_CANCEL,
  PREFACE,
  RawClient,
} from "../../support/http2.ts";

afterEach(expectNoSockets);

async function nodeUpstream(answer: RequestListener): Promise<AsyncDisposable & { port: number }> {
  const server = createServer({ keepAliveTimeout: 60_000 }, answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

const direct = (body: string) => route({ action: { kind: "direct", status: 200, body } });

describe("requests", () => {
  test("many streams of one connection are carried at once, over HTTP/1.1 upstreams", async () => {
    await using upstream = await nodeUpstream((request, response) => response.end(`re ${request.url}`));
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const answers = await Promise.all(Array.from({ length: 50 }, (_, at) => client.get({ ":path": `/${at}` })));
    expect(answers.map(({ status, body, whole }) => [status, body, whole])).toEqual(
      Array.from({ length: 50 }, (_, at) => [200, `re /${at}`, true]),
    );
    const finished = await proxy.ended(50);
    expect(finished[0]?.facts).toMatchObject({ protocol: "HTTP/2", responseCode: 200, scheme: "http" });
    expect(proxy.metric("sluice_http_downstream_cx_total")).toBe(1);
    expect(proxy.metric("sluice_http_requests_total", { code_class: "2xx" })).toBe(50);
    expect(proxy.metric("sluice_http_active_requests")).toBe(0);
  });

  test("the upstream sees one request as HTTP/1.1 has it: host, one cookie, no pseudo headers", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    await client.get({
      ":path": "/x?y",
      ":authority": "b:81",
      cookie: ["a=1", "b=2"],
      "x-envoy-secret": "1",
      te: "trailers",
      "x-request-id": "known",
    });
    expect(upstream.received()).toBe(
      "GET /x?y HTTP/1.1\r\nhost: b:81\r\ncookie: a=1; b=2\r\nte: trailers\r\nx-request-id: known\r\n" +
        "x-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nconnection: te\r\n\r\n",
    );
  });

  test("bodies and trailers go both ways", async () => {
    await using upstream = await nodeUpstream((request, response) => {
      let body = "";
      request.setEncoding("latin1").on("data", (text: string) => (body += text));
      request.on("end", () => {
        response.setHeader("trailer", "x-sum");
        response.write(body);
        response.addTrailers({ "x-sum": request.trailers["x-in"] ?? "none" });
        response.end();
      });
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const stream = client.session.request(
      { ":method": "POST", ":path": "/", te: "trailers" },
      { waitForTrailers: true },
    );
    stream.on("wantTrailers", () => stream.sendTrailers({ "x-in": "42" }));
    stream.end("body");
    expect(await answerOf(stream)).toMatchObject({
      status: 200,
      body: "body",
      trailers: { "x-sum": "42" },
      whole: true,
    });
  });

  test("bytes above 0x7f pass through headers and bodies unchanged", async () => {
    await using upstream = await nodeUpstream((request, response) => {
      response.setHeader("x-back", request.headers["x-there"] ?? "");
      request.pipe(response);
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const answer = await client.get(
      { ":method": "POST", "x-there": "\xe9\xff" },
      Buffer.from("\xe9\x00\xff", "latin1"),
    );
    expect(answer.headers["x-back"]).toBe("\xe9\xff");
    expect(answer.body).toBe("\xe9\x00\xff");
  });

  test("HEAD, 204 and 304 have no body, whatever their length says", async () => {
    await using upstream = await nodeUpstream((request, response) => {
      const status = Number(request.url?.slice(1));
      response.writeHead(status, status === 200 ? { "content-length": 1000 } : {});
      response.end();
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const head = await client.get({ ":method": "HEAD", ":path": "/200" });
    expect(head).toMatchObject({ status: 200, body: "", whole: true });
    expect(head.headers["content-length"]).toBe("1000");
    for (const status of [204, 304]) {
      expect(await client.get({ ":path": `/${status}` })).toMatchObject({ status, body: "", whole: true });
    }
  });

  test("a client that expects 100 gets it, and 103 passes", async () => {
    await using upstream = await nodeUpstream((request, response) => {
      response.writeEarlyHints({ link: "</a.css>; rel=preload" });
      request.pipe(response);
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const stream = client.open({ ":method": "PUT", expect: "100-continue" });
    const answer = answerOf(stream);
    stream.on("continue", () => stream.end("now"));
    expect(await answer).toMatchObject({ status: 200, body: "now", informational: [100, 103] });
  });

  test("a small answer is one HEADERS and one DATA frame that ends the stream", async () => {
    await using proxy = await startProxy({ routes: [direct("ok")] });
    const client = new RawClient(proxy.port);
    client.send(PREFACE, headers(1));
    const data = await client.waitFor(FRAME.data);
    expect(data.flags & END_STREAM).toBe(END_STREAM);
    expect(String(data.payload)).toBe("ok");
    expect(client.of(FRAME.headers)).toHaveLength(1);
    client.socket.destroy();
  });

  test("the preface may come byte by byte, and HTTP/1.1 is spoken on the same port", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = new RawClient(proxy.port);
    // Would fall into the middle of the preface.
    client.acknowledges = false;
    for (const byte of PREFACE) {
      client.send(Buffer.from([byte]));
      await new Promise((resolve) => setImmediate(resolve));
    }
    client.send(headers(1));
    await client.waitFor(FRAME.data);
    client.socket.destroy();
    expect(await exchange(proxy.port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).toContain("200 OK");
    expect(await exchange(proxy.port, "PRI / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).toContain("200 OK");
  });

  test("a preface behind a request, or where HTTP/2 is off, is a bad version", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const behind = await exchange(proxy.port, `GET / HTTP/1.1\r\nHost: a\r\n\r\n${PREFACE.latin1Slice()}`);
    expect(behind).toMatch(/^HTTP\/1.1 200 OK[^]*HTTP\/1.1 505 /);
    await using off = await startProxy({
      upstreams: [upstream.port],
      listener: { http2: undefined as never },
    });
    expect(await exchange(off.port, PREFACE.latin1Slice())).toMatch(/^HTTP\/1.1 505 /);
  });
});

describe("back-pressure", () => {
  test("a client that does not read costs no more memory than the buffers", async () => {
    let written = 0;
    await using upstream = await nodeUpstream((_request, response) => {
      const more = (): void => {
        while (written < 64 * 1024 * 1024) {
          written += 64 * 1024;
          if (!response.write(Buffer.alloc(64 * 1024))) return void response.once("drain", more);
        }
        response.end();
      };
      more();
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const stream = client.open({}, true);
    stream.pause();
    let before = -1;
    await until(() => {
      const settled = written === before && written > 0;
      before = written;
      return settled;
    }, "the upstream to stop");
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    // Kernel buffers of two connections, ours, and the client's window.
    expect(written).toBeLessThan(24 * 1024 * 1024);
    let bytes = 0;
    stream.on("data", (chunk: Buffer) => (bytes += chunk.length)).resume();
    await new Promise((resolve) => stream.on("end", resolve));
    expect(bytes).toBe(64 * 1024 * 1024);
  });

  test("an upstream that does not read stops the client after its window and the buffers", async () => {
    await using upstream = await rawUpstream((peer) => void peer.socket.pause());
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const stream = client.open({ ":method": "POST" });
    let sent = 0;
    const chunk = Buffer.alloc(64 * 1024);
    const more = (): void => {
      for (; sent < 64 * 1024 * 1024; sent += chunk.length) {
        if (!stream.write(chunk)) return void stream.once("drain", () => ((sent += chunk.length), more()));
      }
    };
    more();
    let before = -1;
    await until(() => {
      const settled = sent === before && sent > 0;
      before = sent;
      return settled;
    }, "the client to stop");
    for (let turn = 0; turn < 200; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(sent).toBeLessThan(24 * 1024 * 1024);
    stream.close(NGHTTP2_CANCEL);
    await proxy.ended(1);
  });
});

describe("streams that break off", () => {
  test("a client that resets its stream ends the upstream request, and the connection serves on", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const stream = client.open({}, true);
    await until(() => upstream.connections.length === 1, "the request");
    stream.close(NGHTTP2_CANCEL);
    const [gone] = await proxy.ended(1);
    expect(gone?.facts).toMatchObject({
      responseCode: 0,
      responseFlags: "DC",
      responseCodeDetails: "downstream_disconnect",
    });
    await until(() => upstream.connections[0]?.closed === true, "the upstream connection to end");
    expect(client.session.destroyed).toBe(false);
  });

  test("an upstream that breaks off in the middle of an answer resets the stream", async () => {
    await using upstream = await rawUpstream((peer) => {
      peer.send("HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\npart");
      peer.socket.end();
    });
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    await using client = await h2Client(proxy.port);
    const answer = await client.get();
    expect(answer).toMatchObject({ status: 200, code: 2, whole: false });
  });

  test("a request that is cut off never reaches the upstream as a whole one", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    for (const [turn, code] of [0, 8].entries()) {
      const client = new RawClient(proxy.port);
      client.send(PREFACE, headers(1, END_HEADERS, [[":method", "POST"], ...GET_FIELDS.slice(1)]));
      client.send(frame(FRAME.data, 0, 1, Buffer.from("part")));
      await until(() => upstream.received().split("part").length === turn + 2, "the first part");
      client.send(frame(FRAME.rstStream, 0, 1, Buffer.from([0, 0, 0, code])));
      await until(() => proxy.finished.length === turn + 1, "the end of the exchange");
      expect(upstream.received()).not.toContain("\r\n0\r\n");
      client.socket.destroy();
    }
  });

  test("a body that does not have the announced length breaks the stream, not the connection", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await startProxy({ upstreams: [upstream.port] });
    const client = new RawClient(proxy.port);
    const fields = [[":method", "POST"] as const, ...GET_FIELDS.slice(1), ["content-length", "5"] as const];
    client.send(PREFACE, headers(1, END_HEADERS, fields));
    await until(() => upstream.received().includes("content-length: 5"), "the request");
    client.send(frame(FRAME.data, END_STREAM, 1, Buffer.from("four")));
    expect((await client.waitFor(FRAME.rstStream)).payload.readUInt32BE()).toBe(1);
    await until(() => proxy.finished.length === 1, "the end of the exchange");
    expect(proxy.finished[0]?.facts.responseFlags).toBe("DC");
    // One byte short and broken off: no upstream takes it for a request.
    await until(() => upstream.connections[0]?.closed === true, "the upstream connection to end");
    expect(upstream.received()).toMatch(/four$/);
    client.send(headers(3));
    await until(() => upstream.connections.length === 2, "the connection to serve on");
    client.socket.destroy();
    await until(() => proxy.finished.length === 2, "the end of the second exchange");
  });

  test("an answer that comes before the request's end is followed by RST_STREAM NO_ERROR", async () => {
    await using proxy = await startProxy({ routes: [direct("early")] });
    const client = new RawClient(proxy.port);
    client.send(PREFACE, headers(1, END_HEADERS, [[":method", "POST"], ...GET_FIELDS.slice(1)]));
    const data = await client.waitFor(FRAME.data);
    expect(data.flags & END_STREAM).toBe(END_STREAM);
    expect((await client.waitFor(FRAME.rstStream)).payload.readUInt32BE()).toBe(0);
    client.socket.destroy();
  });
});

test("gRPC calls read our own errors as trailers-only answers", async () => {
  await using proxy = await startProxy({ chain: EMPTY_CHAIN, cluster: { endpoints: [] } });
  await using client = await h2Client(proxy.port);
  const answer = await client.get({ ":method": "POST", "content-type": "application/grpc+proto" }, "x");
  expect(answer).toMatchObject({ status: 200, body: "" });
  expect(answer.headers).toMatchObject({ "grpc-status": "14", "grpc-message": "no%20healthy%20upstream%0A" });
});
