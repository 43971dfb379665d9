// What a recording can tell of another version: nothing when it decides the same, every decision that differs, and what it
// asked for that nobody recorded.
import { describe, expect, test } from "vitest";
import { parseRecording } from "../../../host/replay/jsonl.ts";
import { toHar } from "../../../host/replay/har.ts";
import { replayRecording, type ReplayReport } from "../../../host/replay/replay.ts";
import { harness, replay } from "../../../sdk/testing/index.ts";
import { guest } from "../../support/modules.ts";
import { probeModule } from "../../support/probe.ts";

type H = Awaited<ReturnType<typeof harness>>;
type Drive = (h: H) => void;

async function recorded(drive: Drive, config: unknown = { name: "one" }): Promise<string> {
  const h = await harness([{ source: await probeModule(), name: "probe", config }], { record: true });
  drive(h);
  const text = h.recording();
  h.close();
  return text;
}

/** One request with a command, answered when it gets that far, and ended. */
const ask =
  (command: string, more: Parameters<H["request"]>[0] = {}, response: object = { body: "answer" }): Drive =>
  (h) => {
    const exchange = h.request({ path: "/p?x=1", ...more, headers: { "x-probe": command, ...more.headers } });
    h.clock.advance(100);
    if (exchange.replyDetails === null && exchange.upstreamRequest?.complete === true) exchange.respond(response);
    h.clock.advance(100);
    exchange.end();
  };

const pieces =
  (command: string): Drive =>
  (h) => {
    const exchange = h.open("pieces");
    const head = [":method", "POST", ":scheme", "http", ":authority", "test", ":path", "/p", "x-probe", command];
    exchange.stream.requestHeaders(head, false);
    for (const [at, text] of ["one ", "two ", "three"].entries())
      exchange.stream.requestBody(Buffer.from(text), at === 2);
    exchange.respond({ body: "answer" });
    exchange.end();
  };

const CASES: Readonly<Record<string, Drive>> = {
  nothing: ask(""),
  "a body": ask("upper", { body: "text" }),
  "trailers both ways": ask("", { body: "text", trailers: { "x-t": "1" } }, { body: "b", trailers: { "x-u": "2" } }),
  "a local reply": ask("reply:403"),
  "a local reply to a body": ask("reply-body", { body: "text" }),
  "a reply instead of an answer": ask("", {}, { headers: { "x-probe-response": "reply" } }),
  "a reply to its own reply": ask("answer-errors", {}, { status: 500, body: "broken" }),
  "a delay": ask("delay:20", { body: "later" }),
  "a pause that never ends": ask("pause", { body: "waiting" }),
  "a pause and a resume in one breath": ask("resume-now", { body: "text" }),
  "a closed stream": ask("close"),
  "held headers": pieces("hold"),
  "a body in pieces": pieces(""),
  "a body in pieces, put together": pieces("buffer"),
  "a body in pieces, gathered": pieces("gather"),
  "a held answer": ask("response-hold", {}, { body: "answer" }),
  "a trap": (h) => {
    ask("trap")(h);
    ask("")(h);
  },
  "a trap in the body": ask("trap-body", { body: "text" }),
  "an endless loop": (h) => {
    ask("loop")(h);
    h.clock.advance(60_000);
    ask("")(h);
  },
  "a call-out": (h) => {
    h.upstream("iam").on("GET /verify", { body: "jane", delayMs: 10 });
    ask("call", { headers: { authorization: "Bearer x" } })(h);
  },
  "a call-out that fails": (h) => {
    h.upstream("iam").on("GET /verify", { fail: "timeout", delayMs: 10 });
    ask("call")(h);
  },
  "a call-out that is refused": ask("call"),
  "streams that run at once": (h) => {
    h.upstream("iam").on("GET /verify", { body: "jane", delayMs: 50 });
    const paused = h.request({ headers: { "x-probe": "call" } });
    ask("upper", { body: "meanwhile" })(h);
    h.clock.advance(100);
    paused.respond();
    paused.end();
  },
};

const nothing = (report: ReplayReport): void => {
  expect(report.fields).toEqual([]);
  expect(report.differing).toBe(0);
  expect(report.compared).toBeGreaterThan(0);
  expect(report.a.divergences).toEqual([]);
};

describe("a version against its own recording", () => {
  test.each(Object.keys(CASES))("%s: no difference, and the same fuel", async (name) => {
    const report = await replay(await recorded(CASES[name]!), await probeModule());
    nothing(report);
    for (const { callback, recorded: before, a } of report.fuel) expect([callback, a]).toEqual([callback, before]);
  });

  test("what it is given twice is byte for byte the same", async () => {
    const text = await recorded((h) => Object.values(CASES).forEach((drive) => drive(h)));
    const wasm = await probeModule();
    const once = () => {
      const heard: string[] = [];
      const report = replayRecording(parseRecording(text), [{ name: "a", wasm }], {
        heard: (_, step) => void heard.push(JSON.stringify(step)),
      });
      return [JSON.stringify(report), ...heard].join("\n");
    };
    expect(once()).toBe(once());
    nothing(await replay(text, wasm));
  });
});

describe("another version", () => {
  const b = async (config: unknown) => ({ source: await probeModule(), config });

  test("a header with another value is found, with route, line and both values", async () => {
    const text = await recorded((h) => {
      ask("")(h);
      ask("")(h);
    });
    const report = await replay(text, await probeModule(), await b({ name: "two" }));
    expect(report).toMatchObject({ compared: 2, differing: 2, b: { diverged: 0 } });
    const [request] = report.fields.filter(({ phase }) => phase === "request_headers");
    expect(request).toMatchObject({ field: "request.header.x-trace", count: 2, shown: true, routes: { default: 2 } });
    expect(request?.examples[0]).toMatchObject({ requestId: "test-1", a: "one", b: "two" });
    expect(report.fields.map(({ field }) => field)).toContain("response.header.x-back");
  });

  test("another reply is one difference, not also everything that follows from it", async () => {
    const text = await recorded(ask("reply:403"));
    const report = await replay(text, await probeModule(), await b({ name: "two" }));
    const fields = report.fields.map(({ phase, field }) => `${phase} ${field}`);
    expect(fields).toContain("request_headers reply.body");
    expect(fields.filter((field) => field.startsWith("response"))).toEqual([]);
  });

  test("one that does not start is said, not compared", async () => {
    const report = await replay(await recorded(ask("")), await probeModule(), await b({ failConfigure: true }));
    expect(report.b?.fault).toContain("told to fail");
  });

  test("what it asks for and nobody recorded is named with its place", async () => {
    const text = await recorded(ask("", { headers: { "x-do": "get metadata|none; get request|path" } }));
    const report = await replay(text, { source: await guest("asker"), config: "" });
    expect(report.a.fault).toBe("");
    const lines = text.split("\n");
    const at = lines.findIndex((line) => line.includes('"proxy_on_request_headers"')) + 1;
    // The path was not asked for either, but follows from what is recorded.
    expect(report.a.divergences).toEqual([
      {
        what: "property metadata.none",
        callback: "proxy_on_request_headers",
        c: expect.any(Number) as number,
        line: at,
      },
    ]);
  });

  test("a call-out that was not recorded is refused and named", async () => {
    const h = await harness([{ source: await guest("stamp"), name: "stamp" }], { record: true });
    ask("call")(h);
    const text = h.recording();
    h.close();
    const report = await replay(text, { source: await probeModule(), config: { name: "one" } });
    expect(report.a.divergences).toContainEqual(expect.objectContaining({ what: "call iam GET /verify" }));
    const reply = report.fields.find(({ field }) => field === "reply.status");
    expect(reply?.examples[0]).toMatchObject({ a: null, b: "500" });
  });
});

test("a HAR has one entry per stream, as the filter saw it", async () => {
  const text = await recorded(ask("upper", { method: "POST", body: "text" }));
  const har = toHar(parseRecording(text)) as { log: { version: string; entries: unknown[] } };
  expect(har.log.version).toBe("1.2");
  expect(har.log.entries).toEqual([
    expect.objectContaining({
      request: expect.objectContaining({ method: "POST", url: "http://test/p?x=1", bodySize: 4 }) as unknown,
      response: expect.objectContaining({ status: 200, bodySize: 6 }) as unknown,
    }),
  ]);
});

test("a file that is no recording is refused with the line", () => {
  expect(() => parseRecording("")).toThrow("no header");
  expect(() => parseRecording('{"t":"in"}')).toThrow("no header");
  expect(() => parseRecording('{"t":"header","format":99}')).toThrow("format 99");
  expect(() => parseRecording('{"t":"header","format":1}\nno json')).toThrow("line 2");
});
