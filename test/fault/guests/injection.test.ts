// A hostile filter tries every host call that ends in bytes on a wire or in a line of the access log: line breaks, NUL,
// hop-by-hop names, a second length, a second request. What counts is what reaches the client, the upstream and the log.
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { nodeReadsRequests, nodeReadsResponse, readRequests } from "../../support/http1-readings.ts";
import { guest } from "../../support/modules.ts";
import { startProxy, type TestProxy } from "../../support/sluice.ts";
import { dial, expectNoSockets, rawUpstream, type RawUpstream, until } from "../../support/wire.ts";

const OK = 0;
const BAD_ARGUMENT = 2;

interface Attack {
  readonly name: string;
  readonly value: string;
  /** What the host call answers. */
  readonly status: number;
}

const EVIL = "Injected: 1";
const refused = (name: string, value: string): Attack => ({ name, value, status: BAD_ARGUMENT });
/** Taken without a complaint and not written. */
const dropped = (name: string, value: string): Attack => ({ name, value, status: OK });

/** On every map. */
const ATTACKS: readonly Attack[] = [
  refused("x-a", `a\r\n${EVIL}`),
  refused("x-a", `a\n${EVIL}`),
  refused("x-a", `a\r${EVIL}`),
  refused("x-a", `a\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n`),
  refused("x-a", `\r\n ${EVIL}`),
  refused("x-a", "a\r\n"),
  refused("x-a", "\n"),
  refused("x-a", "a\0b"),
  refused("x-a", "\x01"),
  refused("x-a", "a\x0bb"),
  refused("x-a", "\x1b[31m"),
  refused("x-a", "a\x7f"),
  refused(`x-a\r\n${EVIL}\r\nx-b`, "1"),
  refused(`x-a\n${EVIL}\nx-b`, "1"),
  refused(`x-a: 1\r\n${EVIL}`, "1"),
  refused("x-a:", "1"),
  refused("x-a ", "1"),
  refused(" x-a", "1"),
  refused("x a", "1"),
  refused("x-\0a", "1"),
  refused("x-\xe9", "1"),
  refused("", "1"),
  refused(":unknown", "1"),
  dropped("connection", "x-secret"),
  dropped("Connection", "close"),
  dropped("keep-alive", "timeout=1"),
  dropped("proxy-connection", "close"),
  dropped("transfer-encoding", "gzip"),
  dropped("Transfer-Encoding", "chunked"),
  dropped("upgrade", "h2c"),
  dropped("te", "gzip"),
  dropped("host", "evil"),
  dropped("content-length", "1"),
  dropped("content-length", "1, 2"),
  dropped("http2-settings", "x"),
];
const ON_REQUESTS: readonly Attack[] = [
  refused(":path", `/a HTTP/1.1\r\n${EVIL}`),
  refused(":path", "/a b"),
  refused(":path", "/a\tb"),
  refused(":path", "/a\0"),
  refused(":path", "/a\x01"),
  refused(":path", "/a\x7f"),
  refused(":path", "/\xe9"),
  refused(":path", ""),
  refused(":path", "a"),
  refused(":path", "http://evil/"),
  refused(":method", "GET / HTTP/1.1\r\nX"),
  refused(":method", "GE T"),
  refused(":method", ""),
  refused(":method", "CONNECT"),
  refused(":authority", `a\r\n${EVIL}`),
  refused(":authority", "a b"),
  refused(":authority", "a/b"),
  refused(":authority", "u@a"),
  refused(":authority", "a\x01"),
  refused(":authority", "\xe9"),
  refused(":authority", ""),
  refused(":scheme", "http\r\nX: 1"),
  refused(":status", "200"),
];
const ON_RESPONSES: readonly Attack[] = [
  refused(":status", `200 OK\r\n${EVIL}`),
  refused(":status", "99"),
  refused(":status", "101"),
  refused(":status", "600"),
  refused(":status", "2000"),
  refused(":status", ""),
  refused(":path", "/"),
];
const ON_TRAILERS: readonly Attack[] = [
  refused(":status", "200"),
  refused(":path", "/"),
  dropped("set-cookie", "a=b"),
  dropped("authorization", "x"),
  dropped("trailer", "x"),
];
const MAPS = [
  ["request", [...ATTACKS, ...ON_REQUESTS]],
  ["response", [...ATTACKS, ...ON_RESPONSES]],
  ["request-trailers", [...ATTACKS, ...ON_TRAILERS]],
  ["response-trailers", [...ATTACKS, ...ON_TRAILERS]],
] as const;

const BODY = "Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\nX-T: 1\r\n\r\n";
const ANSWER = `HTTP/1.1 200 OK\r\n${BODY}`;
/** Never nothing: white space at the end of a header is cut. */
const hex = (text: string): string => Buffer.from(text, "latin1").toString("hex") || "-";

/** What must never stand anywhere. */
function expectClean(text: string): void {
  expect(text).not.toMatch(/^injected/im);
  expect(text).not.toMatch(/smuggled|(?![\r\n\t\x80-\x9f])\p{Cc}/u);
  expect(text).not.toMatch(/^(?:connection: (?!close|te\r)|keep-alive|proxy-connection|upgrade|http2-settings)/im);
  expect(text).not.toMatch(/gzip|evil|h2c|, 2/);
  for (const head of text.split("\r\n\r\n")) {
    expect(head.match(/^(?:content-length|transfer-encoding):/gim)?.length ?? 0).toBeLessThanOrEqual(1);
  }
  // No bare CR, no bare LF.
  expect(text.replaceAll("\r\n", "")).not.toMatch(/[\r\n]/);
}

describe("a hostile filter", () => {
  let upstream: RawUpstream;
  let proxy: TestProxy;
  let folder = "";
  let log = "";

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "sluice-log-"));
    log = join(folder, "access.log");
    upstream = await rawUpstream((peer) => {
      while (/\r\n0\r\n(?:.*\r\n)*?\r\n|\r\n\r\nbody|^GET .*\r\n\r\n$/s.test(peer.text)) {
        peer.text = "";
        peer.send(ANSWER);
      }
    });
    proxy = await startProxy({
      chain: ["injector"],
      workers: 1,
      files: { "injector.wasm": await guest("injector") },
      listener: { accessLog: { format: "text", path: log } },
      config: {
        filters: [{ name: "injector", source: "./injector.wasm" }],
        clusters: [{ name: "web", endpoints: [{ address: `127.0.0.1:${upstream.port}` }] }],
      },
    });
  });
  afterAll(async () => {
    await proxy.stop();
    await upstream[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
    await expectNoSockets();
  });

  /** One attack; what each side has seen of it. */
  async function attack(call: string, stage: string, { name, value }: { name: string; value: string }) {
    const before = upstream.received().length;
    const client = await dial(proxy.port);
    const order = `X-Attack: ${call} ${stage} ${hex(name)} ${hex(value)}\r\n`;
    client.send(`POST /sent HTTP/1.1\r\nHost: a\r\nTE: trailers\r\nConnection: close, te\r\n${order}${BODY}`);
    const answer = await client.waitForEnd();
    expect(client.reset).toBe(false);
    // The order itself is full of what must not be found.
    const request = upstream
      .received()
      .slice(before)
      .replaceAll(/^x-attack: .*\r\n/gm, "");
    return { answer, request };
  }

  for (const call of ["add", "replace", "set"]) {
    for (const [stage, attacks] of MAPS) {
      describe(`${call} on ${stage}`, () => {
        test.each(attacks)("%#: $name -> $status", async (tried) => {
          const { answer, request } = await attack(call, stage, tried);
          expectClean(answer);
          expectClean(request);
          expect(readRequests(request).requests).toHaveLength(1);
          expect(await nodeReadsRequests(request)).toHaveLength(1);
          expect(await nodeReadsResponse(answer, "GET", true)).toMatchObject({ whole: true, status: 200 });
          const seen = stage.startsWith("request") ? request : answer;
          // A whole map that is replaced takes the mandatory pseudo headers along; one of them missing is refused too.
          expect(seen).toMatch(new RegExp(`^x-status: ${tried.status}\\r$`, "m"));
        });
      });
    }
  }

  for (const stage of ["request", "response"]) {
    test.each([...ATTACKS, ...ON_RESPONSES])(`a local reply from ${stage} with $name (%#)`, async (tried) => {
      const { answer } = await attack("reply", stage, tried);
      expectClean(answer);
      expect(answer).toMatch(/^HTTP\/1\.1 418 /);
      expect(answer).toMatch(/x-good: 1\r\n/);
      expect(await nodeReadsResponse(answer, "GET", true)).toMatchObject({ whole: true, status: 418, body: "answer" });
    });
  }

  test("the body of a local reply is framed by us, whatever it holds", async () => {
    const value = "0\r\n\r\nHTTP/1.1 200 OK\r\nX: 1\r\n\r\n";
    const { answer } = await attack("reply-body", "request", { name: "", value });
    expect(await nodeReadsResponse(answer, "GET", true)).toMatchObject({ whole: true, status: 418, body: value });
  });

  test.each(["a\r\nb", 'a" 200 "b', "a\0b", "a\x1b[31mb", "a\x7fb", "a b\tc", "\x01", "x".repeat(5000)])(
    "the details of a local reply stay one word of one line of the log (%#)",
    async (value) => {
      const { answer } = await attack("reply-details", "request", { name: "", value });
      expect(answer).toMatch(/^HTTP\/1\.1 418 /);
    },
  );

  describe("call-outs", () => {
    test.each([...ATTACKS, ...ON_REQUESTS.filter(({ name }) => name !== ":scheme")])(
      "%#: with $name",
      async (tried) => {
        const { request } = await attack("callout", "request", tried);
        expectClean(request);
        for (const one of request.split(/(?=POST \/callout)/)) {
          expect(readRequests(one).rejection).toBeNull();
          expect((await nodeReadsRequests(one)).length).toBeLessThanOrEqual(1);
        }
        const code = /^x-status: (\d+)\r$/m.exec(request)?.[1];
        expect(code).toBe(String(tried.status));
      },
    );

    test.each([...ATTACKS, ...ON_TRAILERS])("%#: with the trailer $name", async (tried) => {
      const { request } = await attack("callout-trailer", "request", tried);
      expectClean(request);
      expect(/^x-status: (\d+)\r$/m.exec(request)?.[1]).toBe(String(tried.status));
    });

    test.each(["web\r\nX: 1", "web\0", "", "nobody"])("to %j", async (value) => {
      const { request } = await attack("callout-name", "request", { name: "x-a", value });
      expectClean(request);
      expect(request).toMatch(/^x-status: 2\r$/m);
    });
  });

  test.each(["request\0path", "response\0code_details", "plugin_name", "x\r\ny", "", "connection\0id"])(
    "the property %j never reaches a wire or the log",
    async (name) => {
      const { answer, request } = await attack("property", "request", { name, value: `a\r\n${EVIL}` });
      expectClean(answer);
      expectClean(request);
    },
  );

  test("every line of the access log is one exchange, in words without control characters", async () => {
    expect(proxy.events.filter(({ type }) => type === "fault")).toEqual([]);
    const asked = await proxy.get("/last");
    expect(asked.status).toBe(200);
    let text = "";
    await until(() => (text = readFileSync(log, "latin1")).includes("/last "), "the last line");
    const lines = text.split("\n").slice(0, -1);
    expect(lines.length).toBeGreaterThan(500);
    for (const line of lines) {
      expect(line).toMatch(
        /^\[\d{4}-[^\]]+\] "(?:[A-Z]+) \/\S* HTTP\/1\.1" \d{3} \S+ \S+ \d+ \d+ \d+ \d+ (?:"[^"]*" ?){7}$/,
      );
      expect(line.length).toBeLessThan(1000);
      expect(line).not.toMatch(/\p{Cc}/u);
    }
  });
});
