// What is held back for filters over HTTP/1.1, and how it goes on: never in the middle of what comes before it.
import { afterEach, describe, expect, test } from "vitest";
import type { HeaderList } from "../../../host/abi/headers.ts";
import type { ExchangePort, HttpStream } from "../../../host/chain/ports.ts";
import { chainOf, startProxy } from "../../support/proxy.ts";
import { dial, expectNoSockets, rawUpstream, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

/** Holds the body of one direction from its first piece on, and forwards by hand. */
class Holding implements HttpStream {
  readonly responseBodyPasses = false;
  readonly parsedRequest: HeaderList = [];
  readonly parsedResponse: HeaderList = [];
  readonly port: ExchangePort;
  readonly side: "request" | "response" | "none";
  readonly heard: string[] = [];
  ended = false;
  #headers: HeaderList = [];
  #first: Buffer = Buffer.alloc(0);

  constructor(port: ExchangePort, side: Holding["side"]) {
    this.port = port;
    this.side = side;
  }
  requestHeaders(headers: HeaderList, end: boolean): void {
    this.#headers = headers;
    if (this.side === "response") this.port.forwardRequestHeaders(headers, end);
    if (this.side === "none") this.port.holdRequest(true);
  }
  requestBody(chunk: Buffer, end: boolean): void {
    this.#piece(chunk, end, (all) => this.port.forwardRequestBody(all, end));
  }
  requestTrailers(): void {}
  responseHeaders(headers: HeaderList, end: boolean): void {
    this.#headers = headers;
    if (this.side === "request") this.port.forwardResponseHeaders(headers, end);
  }
  responseBody(chunk: Buffer, end: boolean): void {
    if (this.side === "request") this.port.forwardResponseBody(chunk, end);
    else this.#piece(chunk, end, (all) => this.port.forwardResponseBody(all, end));
  }
  responseTrailers(): void {}
  localReply(): void {}
  end(): void {
    this.ended = true;
  }

  #piece(chunk: Buffer, end: boolean, forward: (bytes: Buffer) => void): void {
    this.heard.push(`${chunk.length}${end ? " end" : ""}`);
    if (this.heard.length > 1) return forward(chunk);
    this.#first = chunk;
    if (this.side === "request") this.port.holdRequest(true);
    else this.port.holdResponse(true);
  }

  /** As a filter that resumes: lets the peer go on, then sends what it had kept. */
  resume(): void {
    if (this.side === "request") {
      this.port.holdRequest(false);
      this.heard.push("headers");
      this.port.forwardRequestHeaders(this.#headers, false);
      this.port.forwardRequestBody(this.#first, false);
    } else {
      this.port.holdResponse(false);
      this.heard.push("headers");
      this.port.forwardResponseHeaders(this.#headers, false);
      this.port.forwardResponseBody(this.#first, false);
    }
  }
}

async function start(side: Holding["side"], upstream: { port: number }) {
  const streams: Holding[] = [];
  const chain = chainOf((port) => {
    const stream = new Holding(port, side);
    streams.push(stream);
    return stream;
  });
  const proxy = await startProxy({ upstreams: [upstream.port], chain });
  return { proxy, streams };
}

const CHUNKED = "Transfer-Encoding: chunked\r\n\r\n";
const PIECES = "2\r\naa\r\n3\r\nbbb\r\n0\r\n\r\n";
const TOGETHER = "5\r\naabbb\r\n0\r\n\r\n";

describe("what was held back comes after what it waited for", () => {
  test("of a request whose rest has arrived already", async () => {
    await using upstream = await rawUpstream((peer) => peer.send("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"));
    const { proxy, streams } = await start("request", upstream);
    await using _proxy = proxy;
    const client = await dial(proxy.port);
    client.send(`POST / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${CHUNKED}${PIECES}`);
    await until(() => streams[0]?.heard.length === 1, "the first piece");
    streams[0]?.resume();
    await client.waitForEnd();
    expect(client.text).toContain("200 OK");
    expect(streams[0]?.heard).toEqual(["5", "headers", "0 end"]);
    await until(() => upstream.received().endsWith("0\r\n\r\n"), "the whole body");
    expect(upstream.received()).toContain(TOGETHER);
  });

  test("of an answer whose rest has arrived already", async () => {
    await using upstream = await rawUpstream((peer) => peer.send(`HTTP/1.1 200 OK\r\n${CHUNKED}${PIECES}`));
    const { proxy, streams } = await start("response", upstream);
    await using _proxy = proxy;
    const client = await dial(proxy.port);
    client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    await until(() => streams[0]?.heard.length === 1, "the first piece");
    streams[0]?.resume();
    await client.waitForEnd();
    expect(client.text.split("\r\n\r\n").slice(1).join("\r\n\r\n")).toBe(TOGETHER);
    expect(streams[0]?.heard).toEqual(["5", "headers", "0 end"]);
  });
});

test("a client that is reset while a filter keeps its whole request is noticed", async () => {
  await using upstream = await rawUpstream(() => {});
  const { proxy, streams } = await start("none", upstream);
  await using _proxy = proxy;
  const client = await dial(proxy.port);
  client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await until(() => streams.length === 1, "the request");
  client.socket.resetAndDestroy();
  const [record] = await proxy.ended(1);
  expect(record?.facts.responseCodeDetails).toBe("downstream_disconnect");
  expect(streams[0]?.ended).toBe(true);
});
