// The same bytes read twice: by our parsers and by Node's, for the comparison tests. Neither side touches the network.
import { createServer, request as nodeRequest, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { VirtualClock } from "../../host/base/clock.ts";
import { seededRandom } from "../../host/base/random.ts";
import { TimerWheel } from "../../host/base/timer-wheel.ts";
import { findHeadEnd } from "../../host/net/http1/head-scan.ts";
import { headTextOf } from "../../host/net/http1/head-text.ts";
import { ResponseHead } from "../../host/net/http1/response-head.ts";
import type { Rejection } from "../../host/net/http1/rejection.ts";
import type { RequestHead } from "../../host/net/http1/request-head.ts";
import { RequestReader, type RequestSink } from "../../host/net/http1/request-reader.ts";
import type { ResponseSink } from "../../host/net/upstream-call.ts";
import { UpstreamRequest } from "../../host/net/upstream-request.ts";
import { MetricRegistry } from "../../host/observe/metrics.ts";
import { Cluster } from "../../host/upstream/cluster.ts";
import type { TransportEvents } from "../../host/upstream/transport.ts";
import { clusterOptions } from "./proxy.ts";

export interface RequestReading {
  /** `method path body` of every complete request. */
  readonly requests: string[];
  /** Why reading stopped, if it did. */
  rejection: Rejection | null;
}

export function readRequests(text: string): RequestReading {
  const reading: RequestReading = { requests: [], rejection: null };
  let line = "";
  let body = "";
  const done = (): void => {
    reading.requests.push(`${line} ${body}`);
    body = "";
    // As the connection does behind a request that ends it.
    if (reader.head.close) reader.close();
    else reader.next();
  };
  const sink: RequestSink = {
    headStarted() {},
    requestHead(head: RequestHead, endStream) {
      line = `${head.method} ${head.path}`;
      if (endStream) done();
    },
    requestBody(bytes, from, to, last) {
      body += bytes.latin1Slice(from, to);
      if (last) done();
    },
    requestTrailers: done,
    requestRejected: (rejection) => (reading.rejection = rejection),
    prefaceReceived() {},
  };
  const reader = new RequestReader(sink, { maxHeaderBytes: 65_536, maxHeaders: 100 });
  reader.feed(Buffer.from(text, "latin1"));
  return reading;
}

/** A wire whose other side is the test: what is written into it is dropped. */
const dullWire = (): Duplex => new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });

const loopTurns = async (count: number): Promise<void> => {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
};

export async function nodeReadsRequests(text: string): Promise<string[]> {
  const requests: string[] = [];
  const options = { insecureHTTPParser: false, requireHostHeader: true, maxHeaderSize: 65_536 };
  const server = createServer(options, (request: IncomingMessage, response) => {
    let body = "";
    request.setEncoding("latin1").on("data", (piece: string) => (body += piece));
    request.on("end", () => {
      requests.push(`${request.method} ${request.url} ${body}`);
      response.end();
    });
  });
  // Node answers 417 by itself to what it does not know; what it takes as a complete request is the question here.
  server.on("clientError", () => {});
  const wire = dullWire();
  server.emit("connection", wire);
  wire.push(Buffer.from(text, "latin1"));
  await loopTurns(6);
  wire.destroy();
  return requests;
}

export interface ResponseReading {
  /** A complete answer was read. */
  whole: boolean;
  status: number;
  body: string;
  /** The connection went back to the pool (ours only). */
  kept: boolean;
}

const nothingRead = (): ResponseReading => ({ whole: false, status: 0, body: "", kept: false });

/** @param closes the connection ends in order behind the text */
export function readResponse(text: string, method: string, closes: boolean): ResponseReading {
  const reading = nothingRead();
  const clock = new VirtualClock();
  const wheel = new TimerWheel(clock);
  const wire: { events: TransportEvents | null } = { events: null };
  const dial = (_target: unknown, events: TransportEvents) => {
    wire.events = events;
    const destroy = (): void => events.closed(null);
    return { write: () => true, cork() {}, uncork() {}, pause() {}, resume() {}, destroy };
  };
  const environment = { clock, wheel, registry: new MetricRegistry(), random: seededRandom(1), dial };
  const cluster = new Cluster(clusterOptions([1]), environment);
  const sink: ResponseSink = {
    upstreamChosen() {},
    upstreamInformational() {},
    upstreamBlocked() {},
    upstreamFailed() {},
    upstreamHead(head, endStream) {
      reading.status = head.status;
      reading.whole = endStream;
    },
    upstreamBody(bytes, from, to, last) {
      reading.body += bytes.latin1Slice(from, to);
      reading.whole = last;
    },
    upstreamTrailers: () => (reading.whole = true),
  };
  new UpstreamRequest(cluster, sink, {
    method,
    head: `${method} / HTTP/1.1\r\n`,
    list: [],
    length: -1,
    endStream: true,
    upgrade: "",
    client: null,
  }).start();
  wire.events?.connected();
  const bytes = Buffer.from(text, "latin1");
  if (bytes.length > 0) wire.events?.received(bytes, bytes.length);
  reading.kept = reading.whole && cluster.status()[0]?.idle === 1;
  if (closes) wire.events?.closed(null);
  cluster.close();
  return reading;
}

/** Why our parser refuses the first final head of `text`; "body" when it does not. */
export function responseRejection(text: string): Rejection | "endless head" | "body" {
  const head = new ResponseHead({ maxHeaders: 100 });
  for (let rest = text; ;) {
    const end = findHeadEnd(rest, 0);
    if (end < 0) return "endless head";
    const refused = head.parse(headTextOf(rest), end);
    if (refused !== null) return refused;
    if (head.status >= 200) return "body";
    rest = rest.slice(end + 2);
  }
}

export async function nodeReadsResponse(text: string, method: string, closes: boolean): Promise<ResponseReading> {
  const reading = nothingRead();
  const wire = dullWire();
  const outgoing = nodeRequest({
    method,
    host: "a",
    createConnection: () => wire as never,
    insecureHTTPParser: false,
    maxHeaderSize: 65_536,
  });
  outgoing.on("error", () => {});
  outgoing.on("upgrade", () => {});
  outgoing.on("response", (response) => {
    reading.status = response.statusCode ?? 0;
    response.setEncoding("latin1").on("data", (piece: string) => (reading.body += piece));
    response.on("error", () => {});
    response.on("end", () => (reading.whole = response.complete));
  });
  outgoing.end();
  await loopTurns(2);
  wire.push(Buffer.from(text, "latin1"));
  if (closes) wire.push(null);
  await loopTurns(6);
  outgoing.destroy();
  wire.destroy();
  return reading;
}
