// The seam to the filters, with a chain made by the test: edits, pauses, local replies, lengths, and what must never get out.
import { afterEach, describe, expect, test } from "vitest";
import { type HeaderList, removeHeader, replaceHeader } from "../../../host/abi/headers.ts";
import type { ExchangePort, HttpStream, LocalReply } from "../../../host/chain/ports.ts";
import { chainOf, route, startProxy } from "../../support/proxy.ts";
import { dial, exchange, expectNoSockets, fixedUpstream, OK, rawUpstream, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

const LAST = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const post = (body: string, more = ""): string =>
  `POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${more}Content-Length: ${body.length}\r\n\r\n${body}`;

/** Passes everything on; tests override what they need. Writes down what it was told. */
class PassingStream implements HttpStream {
  readonly responseBodyPasses = false;
  readonly parsedRequest: HeaderList = [];
  readonly parsedResponse: HeaderList = [];
  readonly port: ExchangePort;
  readonly log: string[] = [];
  constructor(port: ExchangePort) {
    this.port = port;
  }
  requestHeaders(headers: HeaderList, endStream: boolean): void {
    this.log.push(`requestHeaders ${endStream}`);
    this.port.forwardRequestHeaders(headers, endStream);
  }
  requestBody(chunk: Buffer, endStream: boolean): void {
    this.log.push(`requestBody ${chunk.length} ${endStream}`);
    this.port.forwardRequestBody(chunk, endStream);
  }
  requestTrailers(trailers: HeaderList): void {
    this.log.push(`requestTrailers ${trailers.join("=")}`);
    this.port.forwardRequestTrailers(trailers);
  }
  responseHeaders(headers: HeaderList, endStream: boolean): void {
    this.log.push(`responseHeaders ${headers[1]} ${endStream}`);
    this.port.forwardResponseHeaders(headers, endStream);
  }
  responseBody(chunk: Buffer, endStream: boolean): void {
    this.log.push(`responseBody ${chunk.length} ${endStream}`);
    this.port.forwardResponseBody(chunk, endStream);
  }
  responseTrailers(trailers: HeaderList): void {
    this.log.push(`responseTrailers ${trailers.join("=")}`);
    this.port.forwardResponseTrailers(trailers);
  }
  localReply(reply: LocalReply): void {
    this.log.push(`localReply ${reply.status} ${reply.details}`);
    this.port.stopRequest(reply.details);
    const body = Buffer.from(reply.body);
    this.port.forwardResponseHeaders([":status", String(reply.status), ...reply.headers], body.length === 0);
    if (body.length > 0) this.port.forwardResponseBody(body, true);
  }
  end(): void {
    this.log.push("end");
  }
}

/** A proxy whose chain makes streams of `kind`, which are kept. */
async function start<S extends PassingStream>(
  kind: new (port: ExchangePort) => S,
  inputs: Parameters<typeof startProxy>[0],
) {
  const streams: S[] = [];
  const chain = chainOf((port) => {
    const stream = new kind(port);
    streams.push(stream);
    return stream;
  });
  return Object.assign(await startProxy({ ...inputs, chain }), { streams });
}

describe("a chain that passes everything", () => {
  test("is told every piece once, in order, and of the end after the answer", async () => {
    const answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-T: 1\r\n\r\n";
    await using upstream = await rawUpstream(
      (peer) => void (peer.text.endsWith("x-t: 2\r\n\r\n") && peer.send(answer)),
    );
    await using proxy = await start(PassingStream, { upstreams: [upstream.port] });
    const text = await exchange(
      proxy.port,
      "POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX-T: 2\r\n\r\n",
    );
    expect(text).toMatch(/2\r\nok\r\n0\r\nx-t: 1\r\n\r\n$/);
    expect(proxy.streams[0]?.log).toEqual([
      "requestHeaders false",
      "requestBody 3 false",
      "requestTrailers x-t=2",
      "responseHeaders 200 false",
      "responseBody 2 false",
      "responseTrailers x-t=1",
      "end",
    ]);
  });

  test("1xx never reaches it", async () => {
    await using upstream = await fixedUpstream(`HTTP/1.1 103 Early Hints\r\n\r\n${OK}`);
    await using proxy = await start(PassingStream, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 103 /);
    expect(proxy.streams[0]?.log).toEqual([
      "requestHeaders true",
      "responseHeaders 200 false",
      "responseBody 2 true",
      "end",
    ]);
  });

  test("sees the answers of the proxy itself", async () => {
    await using proxy = await start(PassingStream, { routes: [] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 404 Not Found\r\n/);
    expect(proxy.streams[0]?.log).toEqual(["requestHeaders true", "localReply 404 route_not_found", "end"]);
  });

  test("is told of the end when the client goes away", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await start(PassingStream, { upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => upstream.received() !== "", "the request");
    client.socket.resetAndDestroy();
    await proxy.ended(1);
    expect(proxy.streams[0]?.log).toEqual(["requestHeaders true", "end"]);
  });
});

describe("edits", () => {
  test("headers, path, authority and method of the request", async () => {
    class Editing extends PassingStream {
      override requestHeaders(headers: HeaderList, endStream: boolean): void {
        replaceHeader(headers, ":path", "/other?x");
        replaceHeader(headers, ":authority", "b.com");
        replaceHeader(headers, ":method", "DELETE");
        removeHeader(headers, "x-drop");
        headers.push(
          "x-add",
          "1",
          "connection",
          "close",
          "transfer-encoding",
          "chunked",
          "content-length",
          "5",
          "host",
          "evil",
        );
        super.requestHeaders(headers, endStream);
      }
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Editing, { upstreams: [upstream.port] });
    await exchange(proxy.port, "GET / HTTP/1.1\r\nHost: a\r\nX-Drop: 1\r\nConnection: close\r\n\r\n");
    expect(upstream.received()).toMatch(/^DELETE \/other\?x HTTP\/1.1\r\nhost: b.com\r\n/);
    expect(upstream.received()).toMatch(/x-add: 1\r\n\r\n$/);
    expect(upstream.received()).not.toMatch(/drop|evil|content-length|transfer-encoding|connection/);
  });

  test("status and headers of the response", async () => {
    class Editing extends PassingStream {
      override responseHeaders(headers: HeaderList, endStream: boolean): void {
        replaceHeader(headers, ":status", "418");
        headers.push("x-add", "1", "transfer-encoding", "chunked");
        super.responseHeaders(headers, endStream);
      }
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Editing, { upstreams: [upstream.port] });
    const answer = await exchange(proxy.port, LAST);
    expect(answer).toBe("HTTP/1.1 418 I'm a teapot\r\nx-add: 1\r\nconnection: close\r\ncontent-length: 2\r\n\r\nok");
  });

  test("a route that a filter leads to is taken when there was none", async () => {
    class Leading extends PassingStream {
      override requestHeaders(headers: HeaderList, endStream: boolean): void {
        replaceHeader(headers, ":path", "/there");
        super.requestHeaders(headers, endStream);
      }
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Leading, {
      upstreams: [upstream.port],
      routes: [route({ match: { exact: "/there", headers: [] } })],
    });
    expect(await exchange(proxy.port, LAST)).toMatch(/ok$/);
  });

  test("the experiment's arms are named to the client", async () => {
    class Arms extends PassingStream {
      override requestHeaders(headers: HeaderList, endStream: boolean): void {
        this.port.facts.arms = "gray=b";
        super.requestHeaders(headers, endStream);
      }
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Arms, { upstreams: [upstream.port], listener: { armHeader: "x-arm" } });
    expect(await exchange(proxy.port, LAST)).toContain("x-arm: gray=b\r\n");
  });
});

describe("what must never get out", () => {
  const EVIL: readonly (readonly [string, string])[] = [
    ["x-a", "b\r\nx-evil: 1"],
    ["x-a", "b\nx-evil: 1"],
    ["x-a", "b\0"],
    ["x-a", "\u0100"],
    ["x a", "b"],
    ["x:a", "b"],
    ["", "b"],
    ["x-a\r\nx-evil", "b"],
    ["X-Upper", "b"],
  ];

  test.each(EVIL)("request header %j: %j -> 500", async (name, value) => {
    class Evil extends PassingStream {
      override requestHeaders(headers: HeaderList, endStream: boolean): void {
        headers.push(name, value);
        super.requestHeaders(headers, endStream);
      }
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Evil, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 500 /);
    expect(upstream.received()).toBe("");
  });

  test.each(EVIL)("response header %j: %j -> 500", async (name, value) => {
    class Evil extends PassingStream {
      override responseHeaders(headers: HeaderList, endStream: boolean): void {
        headers.push(name, value);
        super.responseHeaders(headers, endStream);
      }
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Evil, { upstreams: [upstream.port] });
    const answer = await exchange(proxy.port, LAST);
    expect(answer).toMatch(/^HTTP\/1.1 500 /);
    expect(answer).not.toContain("evil");
  });

  test.each([
    [":path", "/a b"],
    [":path", "/a\r\nx: y"],
    [":path", "a"],
    [":path", ""],
    [":method", "G T"],
    [":method", "CONNECT"],
    [":method", ""],
    [":authority", "a b"],
    [":authority", "a\r\nx: y"],
  ])("%s %j -> 500", async (name, value) => {
    class Evil extends PassingStream {
      override requestHeaders(headers: HeaderList, endStream: boolean): void {
        replaceHeader(headers, name, value);
        super.requestHeaders(headers, endStream);
      }
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Evil, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 500 /);
    expect(upstream.received()).toBe("");
  });

  test.each(["99", "101", "600", "2 0", "abc", ""])("status %j -> 500", async (status) => {
    class Evil extends PassingStream {
      override responseHeaders(headers: HeaderList, endStream: boolean): void {
        replaceHeader(headers, ":status", status);
        super.responseHeaders(headers, endStream);
      }
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Evil, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 500 /);
  });
});

describe("bodies and lengths", () => {
  /** Keeps the head until the body is whole, then sends both with the body changed. */
  class Buffering extends PassingStream {
    readonly pieces: Buffer[] = [];
    head: HeaderList = [];
    override responseHeaders(headers: HeaderList): void {
      this.head = headers;
    }
    override responseBody(chunk: Buffer, endStream: boolean): void {
      this.pieces.push(chunk);
      if (!endStream) return;
      this.port.forwardResponseHeaders(this.head, false);
      this.port.forwardResponseBody(Buffer.from(`<${Buffer.concat(this.pieces).toString("latin1")}>`, "latin1"), true);
    }
  }

  test("a body changed while its head was held gets its new length", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Buffering, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/\r\ncontent-length: 4\r\n\r\n<ok>$/);
  });

  test("so does a large one", async () => {
    await using upstream = await fixedUpstream(
      `HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n${"x".repeat(100_000)}`,
    );
    await using proxy = await start(Buffering, { upstreams: [upstream.port] });
    const answer = await exchange(proxy.port, LAST);
    expect(answer).toContain("\r\ncontent-length: 100002\r\n\r\n<x");
    expect(answer.length - answer.indexOf("<")).toBe(100_002);
  });

  test("and a request's body", async () => {
    class Requests extends PassingStream {
      head: HeaderList = [];
      override requestHeaders(headers: HeaderList): void {
        this.head = headers;
      }
      override requestBody(chunk: Buffer): void {
        this.port.forwardRequestHeaders(this.head, false);
        this.port.forwardRequestBody(Buffer.from(`<${chunk.toString("latin1")}>`), true);
      }
    }
    await using upstream = await rawUpstream((peer) => void (peer.text.endsWith("<abc>") && peer.send(OK)));
    await using proxy = await start(Requests, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, post("abc"))).toMatch(/ok$/);
    expect(upstream.received()).toMatch(/\r\ncontent-length: 5\r\n\r\n<abc>$/);
  });

  test("a filter that wants the body before the head goes on gets it, Expect or not", async () => {
    class Waiting extends PassingStream {
      head: HeaderList = [];
      override requestHeaders(headers: HeaderList): void {
        this.head = headers;
      }
      override requestBody(chunk: Buffer): void {
        this.port.forwardRequestHeaders(this.head, false);
        this.port.forwardRequestBody(chunk, true);
      }
    }
    await using upstream = await rawUpstream((peer) => void (peer.text.endsWith("abc") && peer.send(OK)));
    await using proxy = await start(Waiting, { upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
    await client.waitFor("HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc");
    await client.waitFor("ok");
    expect(upstream.received()).not.toContain("expect");
    client.socket.destroy();
  });

  test("without a Content-Length in the list the body is chunked", async () => {
    class Removing extends PassingStream {
      override responseHeaders(headers: HeaderList, endStream: boolean): void {
        removeHeader(headers, "content-length");
        super.responseHeaders(headers, endStream);
      }
      override responseBody(chunk: Buffer, endStream: boolean): void {
        if (chunk.length > 0) super.responseBody(Buffer.concat([chunk, chunk]), endStream);
        else super.responseBody(chunk, endStream);
      }
    }
    await using upstream = await rawUpstream((peer) => {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nab");
    });
    await using proxy = await start(Removing, { upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(LAST);
    await client.waitFor("abab");
    upstream.connections[0]?.send("cd");
    expect(await client.waitForEnd()).toMatch(/transfer-encoding: chunked\r\n\r\n4\r\nabab\r\n4\r\ncdcd\r\n0\r\n\r\n$/);
    expect(proxy.finished[0]?.facts.responseBytes).toBe(8);
  });

  test.each([
    ["longer", "abcde"],
    ["shorter", "a"],
  ])("a body made %s after its length was sent is broken off", async (_, body) => {
    class Late extends PassingStream {
      override responseBody(): void {
        // The head has left with the length of the upstream's body.
        setTimeout(() => this.port.forwardResponseBody(Buffer.from(body), true), 1);
      }
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Late, { upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(LAST);
    await client.waitForEnd();
    expect(client.reset).toBe(true);
    expect(client.text).toMatch(/(?:^|content-length: 2\r\n\r\n)$/);
    expect(proxy.finished[0]?.facts.responseCodeDetails).toBe("wasm_content_length_mismatch");
  });

  test("a request body that no longer fits its length never becomes a complete request", async () => {
    class Longer extends PassingStream {
      override requestBody(chunk: Buffer, endStream: boolean): void {
        this.port.forwardRequestBody(Buffer.concat([chunk, chunk]), endStream);
      }
    }
    await using upstream = await rawUpstream(() => {});
    await using proxy = await start(Longer, { upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 4\r\n\r\n");
    await until(() => upstream.received().includes("content-length: 4\r\n\r\n"), "the head upstream");
    client.send("abcd");
    await client.waitForEnd();
    expect(client.text).toMatch(/^HTTP\/1.1 500 /);
    expect(upstream.received()).not.toContain("abcd");
    expect(proxy.finished[0]?.facts.responseCodeDetails).toBe("wasm_content_length_mismatch");
  });
});

describe("pauses and local replies", () => {
  test("a head held for a while goes on later, with the body behind it", async () => {
    const resumes: (() => void)[] = [];
    class Pausing extends PassingStream {
      override requestHeaders(headers: HeaderList, endStream: boolean): void {
        this.port.holdRequest(true);
        resumes.push(() => {
          super.requestHeaders(headers, endStream);
          this.port.holdRequest(false);
        });
      }
      override responseHeaders(headers: HeaderList, endStream: boolean): void {
        this.port.holdResponse(true);
        resumes.push(() => {
          super.responseHeaders(headers, endStream);
          this.port.holdResponse(false);
        });
      }
    }
    await using upstream = await rawUpstream((peer) => void (peer.text.endsWith("hello") && peer.send(OK)));
    await using proxy = await start(Pausing, { upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(post("hello"));
    await until(() => resumes.length === 1, "the request");
    expect(proxy.streams[0]?.log).toEqual([]);
    resumes[0]?.();
    await until(() => resumes.length === 2, "the response");
    expect(proxy.streams[0]?.log).toEqual(["requestHeaders false", "requestBody 5 true"]);
    resumes[1]?.();
    await client.waitForEnd();
    expect(client.text).toMatch(/ok$/);
    expect(proxy.streams[0]?.log.slice(2)).toEqual(["responseHeaders 200 false", "responseBody 2 true", "end"]);
  });

  test("a held answer is kept whole when its upstream closes meanwhile", async () => {
    const resumes: (() => void)[] = [];
    class Pausing extends PassingStream {
      override responseHeaders(headers: HeaderList, endStream: boolean): void {
        this.port.holdResponse(true);
        resumes.push(() => {
          super.responseHeaders(headers, endStream);
          this.port.holdResponse(false);
        });
      }
    }
    await using upstream = await rawUpstream((peer) => void peer.socket.end("HTTP/1.1 200 OK\r\n\r\nuntil the end"));
    await using proxy = await start(Pausing, { upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send(LAST);
    await until(
      () => resumes.length === 1 && upstream.connections[0]?.socket.writableFinished === true,
      "the response",
    );
    resumes[0]?.();
    await client.waitForEnd();
    expect(client.text).toContain("until the end");
    expect(client.text).toMatch(/0\r\n\r\n$/);
  });

  class Refusing extends PassingStream {
    override requestHeaders(): void {
      this.localReply({ status: 403, details: "denied", body: "no", headers: ["x-why", "b"], grpcStatus: -1 });
    }
  }

  test("a local reply answers without an upstream, and the body is dropped", async () => {
    await using upstream = await rawUpstream(() => {});
    await using proxy = await start(Refusing, { upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    await client.waitFor("no");
    client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello");
    await until(() => client.text.split("403 Forbidden").length === 3, "the second answer");
    expect(client.text).toMatch(/^HTTP\/1.1 403 Forbidden\r\nx-why: b\r\ncontent-length: 2\r\n\r\nno/);
    expect(upstream.received()).toBe("");
    expect(proxy.streams[0]?.log).toEqual(["localReply 403 denied", "end"]);
    expect(proxy.finished[0]?.facts.responseCodeDetails).toBe("denied");
    client.socket.destroy();
  });

  test("an asynchronous local reply takes the place of the upstream's answer", async () => {
    class Replacing extends PassingStream {
      override responseHeaders(): void {
        setImmediate(() => this.localReply({ status: 500, details: "bad", body: "", headers: [], grpcStatus: -1 }));
      }
      override responseBody(): void {}
    }
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(Replacing, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 500 .*content-length: 0\r\n\r\n$/s);
  });

  test("an upstream that fails after the filters saw its head is answered past them", async () => {
    class Holding extends PassingStream {
      override responseHeaders(headers: HeaderList): void {
        this.log.push(`held ${headers[1]}`);
      }
      override responseBody(): void {}
    }
    await using upstream = await rawUpstream((peer) => {
      peer.send("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc");
      peer.socket.end();
    });
    await using proxy = await start(Holding, { upstreams: [upstream.port] });
    expect(await exchange(proxy.port, LAST)).toMatch(/^HTTP\/1.1 502 /);
    expect(proxy.streams[0]?.log).toEqual(["requestHeaders true", "held 200", "end"]);
  });

  test("reset closes without an answer", async () => {
    class Resetting extends PassingStream {
      override requestHeaders(): void {
        this.port.reset("wasm_close_stream");
      }
    }
    await using proxy = await start(Resetting, {});
    const client = await dial(proxy.port);
    client.send(LAST);
    await client.waitForEnd();
    expect([client.text, client.reset]).toEqual(["", true]);
    expect(proxy.finished[0]?.facts.responseCodeDetails).toBe("wasm_close_stream");
  });

  test("calls after the end are ignored", async () => {
    await using upstream = await fixedUpstream(OK);
    await using proxy = await start(PassingStream, { upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await client.waitFor("ok");
    const port = proxy.streams[0]?.port;
    port?.forwardRequestHeaders([], true);
    port?.forwardResponseHeaders([":status", "500"], true);
    port?.forwardResponseBody(Buffer.from("late"), true);
    port?.holdRequest(true);
    port?.holdResponse(true);
    port?.stopRequest("late");
    port?.reset("late");
    client.send(LAST);
    await client.waitForEnd();
    expect(client.text.match(/200 OK/g)).toHaveLength(2);
    expect(client.text).not.toMatch(/late|500/);
  });
});
