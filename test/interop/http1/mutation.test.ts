// Mutated requests against Node's own strict parser: whatever we accept, and however we cut it into requests, Node must
// accept and cut the same way. A difference is where one proxy and one server can be made to disagree (request smuggling).
import { createServer, type IncomingMessage } from "node:http";
import { Duplex } from "node:stream";
import { expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import type { RequestHead } from "../../../host/net/http1/request-head.ts";
import { RequestReader, type RequestSink } from "../../../host/net/http1/request-reader.ts";

/** `method path body` of every complete request. */
interface Reading {
  readonly requests: string[];
}

function ours(text: string): Reading {
  const reading: Reading = { requests: [] };
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
    requestRejected() {},
  };
  const reader = new RequestReader(sink, { maxHeaderBytes: 16_384, maxHeaders: 100 });
  reader.feed(Buffer.from(text, "latin1"));
  return reading;
}

async function node(text: string): Promise<Reading> {
  const reading: Reading = { requests: [] };
  const server = createServer(
    { insecureHTTPParser: false, requireHostHeader: true },
    (request: IncomingMessage, response) => {
      let body = "";
      request.setEncoding("latin1").on("data", (piece: string) => (body += piece));
      request.on("end", () => {
        reading.requests.push(`${request.method} ${request.url} ${body}`);
        response.end();
      });
    },
  );
  server.on("clientError", () => {});
  const wire = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() });
  server.emit("connection", wire);
  wire.push(Buffer.from(text, "latin1"));
  for (let turn = 0; turn < 6; turn++) await new Promise((resolve) => setImmediate(resolve));
  wire.destroy();
  return reading;
}

const SEEDS = [
  "GET /a?b HTTP/1.1\r\nHost: a.com\r\nX-One: 1\r\n\r\n",
  "POST /p HTTP/1.1\r\nHost: a.com\r\nContent-Length: 5\r\n\r\nhello",
  "POST /c HTTP/1.1\r\nHost: a.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "PUT /t HTTP/1.1\r\nHost: a.com\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
];
const SNIPPETS = [
  ...' \t\r\n\0:;,0159aF-+_\x0b\x7f\x80\xa0\xff"',
  "\r\n",
  "\n",
  "\r",
  "\r\n ",
  "\r\n\r\n",
  "\n\n",
  "0\r\n\r\n",
  "Content-Length: 3\r\n",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "Transfer-Encoding: identity\r\n",
  "transfer-encoding:\tchunked\r\n",
  "Transfer-Encoding : chunked\r\n",
  "Host: b\r\n",
  "Connection: close\r\n",
  "Expect: 100-continue\r\n",
  "chunked",
  ", chunked",
  "0x",
  "HTTP/1.0",
];
const FOLLOWER = "GET /next HTTP/1.1\r\nHost: a.com\r\n\r\n";

function mutate(text: string, fraction: () => number): string {
  const at = Math.floor(fraction() * text.length);
  const snippet = SNIPPETS[Math.floor(fraction() * SNIPPETS.length)] ?? "";
  switch (Math.floor(fraction() * 5)) {
    case 0:
      return text.slice(0, at) + snippet + text.slice(at);
    case 1:
      return text.slice(0, at) + text.slice(at + 1 + Math.floor(fraction() * 3));
    case 2:
      return text.slice(0, at) + snippet + text.slice(at + snippet.length);
    case 3: {
      // Whole lines are put where lines begin: most single characters only make a name or a value bad.
      const line = text.indexOf("\r\n", at);
      return line < 0 ? text + snippet : text.slice(0, line + 2) + snippet + text.slice(line + 2);
    }
    default:
      return text.slice(0, at) + text.slice(at, at + 1).toUpperCase() + text.slice(at, at + 12) + text.slice(at + 1);
  }
}

/** Node knows a list of methods; we take any token (RFC 9110 9.1). */
const knownMethod = (request: string): boolean => /^(?:GET|POST|PUT|HEAD|OPTIONS) /.test(request);

/** Where Node is stricter than RFC 9112 and nothing hangs on it: a tab behind `chunked`. */
const quirk = (text: string): boolean => /chunked[ \t]*\t/i.test(text);

test("what we accept, Node accepts, and cuts into the same requests (seed 1)", { timeout: 60_000 }, async () => {
  const { fraction } = seededRandom(Number(process.env["SLUICE_SEED"] ?? 1));
  let accepted = 0;
  for (let round = 0; round < Number(process.env["SLUICE_ROUNDS"] ?? 3000); round++) {
    let text = SEEDS[round % SEEDS.length] ?? "";
    for (let turn = 0; turn <= fraction() * 2; turn++) text = mutate(text, fraction);
    const mine = ours(text + FOLLOWER);
    if (mine.requests.length === 0 || !mine.requests.every(knownMethod) || quirk(text)) continue;
    accepted++;
    const theirs = await node(text + FOLLOWER);
    // `Connection: close` among the trailers counts for Node: it may stop before us.
    const closes = /connection: close/i.test(text);
    const same = closes ? mine.requests.slice(0, Math.max(1, theirs.requests.length)) : mine.requests;
    expect(theirs.requests.slice(0, mine.requests.length), JSON.stringify(text)).toEqual(same);
  }
  expect(accepted).toBeGreaterThan(300);
});
