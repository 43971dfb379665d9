// The tables and thousands of mutated messages against Node's own strict parser: whatever we accept, and however we cut it
// into messages, Node must accept and cut the same way. A difference is where one proxy and one server can be made to
// disagree (request smuggling). Where we refuse and Node accepts is listed by reason.
import { afterAll, expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import {
  nodeReadsRequests,
  nodeReadsResponse,
  readRequests,
  readResponse,
  responseRejection,
  type RequestReading,
} from "../../support/http1-readings.ts";
import { PIPELINE_VECTORS, REQUEST_VECTORS } from "./request-vectors.ts";
import { RESPONSE_VECTORS } from "./response-vectors.ts";

const SEED = Number(process.env["SLUICE_SEED"] ?? 1);
const ROUNDS = Number(process.env["SLUICE_ROUNDS"] ?? 3000);

/** What was tried, for the line at the end. */
class Tally {
  tried = 0;
  refused = 0;
  differences = 0;
  /** Refused here, accepted by Node: reason -> count. */
  readonly stricter = new Map<string, number>();

  stricterBy(reason: string): void {
    this.stricter.set(reason, (this.stricter.get(reason) ?? 0) + 1);
  }
  line(name: string): string {
    const rows = [...this.stricter].sort(([, a], [, b]) => b - a).map(([reason, count]) => `    ${reason}: ${count}`);
    const sum = `${this.tried} tried, ${this.refused} refused, ${this.differences} differences (seed ${SEED})`;
    return `${name} against node:http: ${sum}\n${rows.length === 0 ? "" : `  refused here, accepted there:\n${rows.join("\n")}\n`}`;
  }
}

const requests = new Tally();
const responses = new Tally();
afterAll(() => void process.stdout.write(`\n${requests.line("requests")}${responses.line("responses")}`));

const REQUEST_SEEDS = [
  "GET /a?b HTTP/1.1\r\nHost: a.com\r\nX-One: 1\r\n\r\n",
  "POST /p HTTP/1.1\r\nHost: a.com\r\nContent-Length: 5\r\n\r\nhello",
  "POST /c HTTP/1.1\r\nHost: a.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "PUT /t HTTP/1.1\r\nHost: a.com\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
  "GET /k HTTP/1.1\r\nHost: a.com\r\nConnection: keep-alive, x-y\r\nX-Y: 1\r\nTE: trailers\r\n\r\n",
  "GET http://a.com/z HTTP/1.1\r\nHost: a.com\r\nAccept: */*\r\n\r\n",
];
const RESPONSE_SEEDS = [
  "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-One: 1\r\n\r\nhello",
  "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
  "HTTP/1.1 404 Not Found\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-T: 1\r\n\r\n",
  "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello",
  "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
  "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\nX-One: 1\r\n\r\n",
  "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n",
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

/** Every message of a run: the seeds in turn, each with one to three mutations. */
function* mutations(seeds: readonly string[]): Generator<string> {
  const { fraction } = seededRandom(SEED);
  for (let round = 0; round < ROUNDS; round++) {
    let text = seeds[round % seeds.length] ?? "";
    for (let turn = 0; turn <= fraction() * 2; turn++) text = mutate(text, fraction);
    yield text;
  }
}

/** Node knows a list of methods; any token is one (RFC 9110 9.1). Node is asked with one that it knows. */
function forNode(text: string, mine: RequestReading): { text: string; requests: string[] } {
  let asked = text;
  let from = 0;
  const named = mine.requests.map((request) => {
    const method = request.slice(0, request.indexOf(" "));
    from = asked.indexOf(`${method} `, from);
    const known = KNOWN_METHOD.test(method) ? method : "PUT";
    asked = asked.slice(0, from) + known + asked.slice(from + method.length);
    from += known.length;
    return known + request.slice(method.length);
  });
  return { text: asked, requests: named };
}

const KNOWN_METHOD = /^(?:GET|POST|PUT|HEAD|OPTIONS|PROPFIND)$/;

/** `method path body` with the path of an absolute-form target, as our parser hands it out. */
function asOrigin(request: string): string {
  const [, method, target = "", body] = /^(\S+) (\S*) (.*)$/s.exec(request) ?? [];
  const path = /^https?:\/\/[^/?]+(.*)$/i.exec(target)?.[1];
  return `${method} ${path === undefined ? target : path.startsWith("/") ? path : `/${path}`} ${body}`;
}

async function compareRequests(text: string): Promise<void> {
  requests.tried++;
  const mine = readRequests(text);
  const asked = forNode(text, mine);
  const theirs = (await nodeReadsRequests(asked.text)).map(asOrigin);
  const ours = asked.requests;
  if (mine.rejection !== null) requests.refused++;
  if (mine.rejection !== null && theirs.length > ours.length) requests.stricterBy(mine.rejection);
  // `Connection: close` among the trailers counts for Node: it may stop before us.
  const closes = /connection: close/i.test(text);
  const expected = closes ? ours.slice(0, Math.max(1, theirs.length)) : ours;
  if (JSON.stringify(theirs.slice(0, expected.length)) !== JSON.stringify(expected)) requests.differences++;
  expect(theirs.slice(0, expected.length), JSON.stringify(text)).toEqual(expected);
}

async function compareResponses(text: string, method: string, closes: boolean): Promise<void> {
  responses.tried++;
  const mine = readResponse(text, method, closes);
  const theirs = await nodeReadsResponse(text, method, closes);
  if (!mine.whole) {
    responses.refused++;
    if (theirs.whole) responses.stricterBy(responseRejection(text));
    return;
  }
  const { kept: _, ...read } = mine;
  const { kept: __, ...other } = theirs;
  if (JSON.stringify(read) !== JSON.stringify(other)) responses.differences++;
  expect(other, JSON.stringify(text)).toEqual(read);
}

test("the tables hold at least 300 vectors", () => {
  expect(REQUEST_VECTORS.length + PIPELINE_VECTORS.length + RESPONSE_VECTORS.length).toBeGreaterThanOrEqual(300);
});

test("requests of the tables", { timeout: 60_000 }, async () => {
  for (const { text } of REQUEST_VECTORS) if (text.length < 60_000) await compareRequests(text);
  for (const { text } of PIPELINE_VECTORS) await compareRequests(text);
});

test(
  "mutated requests: what we accept, Node accepts, and cuts into the same requests",
  { timeout: 60_000 },
  async () => {
    for (const text of mutations(REQUEST_SEEDS)) await compareRequests(text + FOLLOWER);
    expect(requests.tried - requests.refused).toBeGreaterThan(300);
  },
);

test("answers of the table", { timeout: 60_000 }, async () => {
  for (const { text, method, closes } of RESPONSE_VECTORS) {
    if (text.length < 60_000) await compareResponses(text, method, closes);
  }
});

test("mutated answers: what we accept, Node accepts, with the same status and body", { timeout: 60_000 }, async () => {
  let round = 0;
  for (const text of mutations(RESPONSE_SEEDS)) {
    // The two that end with the connection need its end; the others must not depend on it.
    await compareResponses(text, round % 9 === 0 ? "HEAD" : "GET", round++ % 2 === 0);
  }
  expect(responses.tried - responses.refused).toBeGreaterThan(300);
});
