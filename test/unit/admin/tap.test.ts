// GET /api/v1/tap in front of a fake control side: what it asks for, what it sends, and how it ends.
import { get, type IncomingMessage } from "node:http";
import { describe, expect, test } from "vitest";
import { parseMatch, parseRate, parseStatus, parseTap } from "../../../host/admin/tap-query.ts";
import type { TapRecord } from "../../../host/link/tap.ts";
import { FAKE_CONFIG } from "../../support/fake-control.ts";
import { record } from "../../support/tap.ts";
import { useBench } from "./support.ts";

const bench = useBench();

class Reader {
  text = "";
  #waiting: (() => void)[] = [];
  readonly response: IncomingMessage;

  constructor(response: IncomingMessage) {
    this.response = response;
    response.setEncoding("utf8").on("data", (part: string) => {
      this.text += part;
      for (const wake of this.#waiting.splice(0)) wake();
    });
  }

  static open(query = "", headers: Record<string, string> = {}): Promise<Reader> {
    return new Promise((resolve, reject) => {
      const url = `${bench.current.url}/api/v1/tap${query}`;
      get(url, { headers, agent: false }, (response) => resolve(new Reader(response))).on("error", reject);
    });
  }

  async until(part: string): Promise<string> {
    while (!this.text.includes(part)) await this.more();
    return this.text;
  }

  more(): Promise<void> {
    return new Promise((wake) => void this.#waiting.push(wake));
  }
}

const hear = (one: TapRecord): void => bench.current.control.taps[0]?.hear({ type: "request", record: one });

/** The server learns from its socket that a reader left; asking again is a round trip behind that. */
async function untilClosed(): Promise<void> {
  while (bench.current.control.taps.length > 0) await bench.current.ask("/ready");
}

describe("the stream", () => {
  test("sends what threads say and what was sampled, each as an event of its type", async () => {
    await bench.current.start();
    const reader = await Reader.open("?match=x-user=7&match=path=/a*&status=5xx,404&rate=5&trace=true");
    const [tap] = bench.current.control.taps;
    expect(tap?.selection).toEqual({
      filter: "",
      route: "",
      match: [
        { key: "x-user", value: "7", isPrefix: false },
        { key: "path", value: "/a", isPrefix: true },
      ],
      status: ["5xx", "404"],
      rate: 5,
      trace: true,
    });
    tap?.hear({ type: "sampling", thread: 2 });
    hear(record({ path: "/a" }));
    tap?.hear({ type: "lost", count: 3 });
    const text = await reader.until("event: lost");
    expect(text).toContain('event: sampling\ndata: {"type":"sampling","thread":2}\n\n');
    expect(text).toMatch(/event: request\ndata: \{"type":"request","record":\{"time":.*"path":"\/a"/);
    expect(await reader.until('"count":3')).toContain('data: {"type":"lost","count":3}');
    reader.response.destroy();
    await untilClosed();
  });

  test("a reader that stops reading loses records, is told how many, and never makes them wait in memory", async () => {
    await bench.current.start();
    const reader = await Reader.open();
    await reader.until(": tap");
    reader.response.pause();
    const big = record({ path: "x".repeat(100_000) });
    let sent = 0;
    for (; sent < 400; sent++) {
      hear(big);
      if (sent % 20 === 0) await bench.current.ask("/ready");
    }
    reader.response.resume();
    const got = (): number => (reader.text.match(/event: request/g) ?? []).length;
    const lost = (): number =>
      [...reader.text.matchAll(/"type":"lost","count":(\d+)/g)].reduce((sum, [, count]) => sum + Number(count), 0);
    while (got() + lost() < sent) await reader.more();
    expect(got() + lost()).toBe(sent);
    expect(got()).toBeGreaterThan(5);
    // Nothing but the limit and what the kernel holds was ever kept for it.
    expect(lost()).toBeGreaterThan(200);
    // It is as good as any other reader again.
    hear(record({ path: "/after" }));
    await reader.until("/after");
    reader.response.destroy();
    await untilClosed();
  });

  test("the tap ends with its connection, and when the admin API closes", async () => {
    await bench.current.start();
    const { control } = bench.current;
    const first = await Reader.open();
    await first.until(": tap");
    expect(control.taps).toHaveLength(1);
    first.response.destroy();
    await untilClosed();
    const second = await Reader.open();
    await second.until(": tap");
    const closed = new Promise((resolve) => second.response.once("close", resolve));
    await bench.current.stop();
    await closed;
    expect(control.taps).toHaveLength(0);
  });

  test("HEAD opens nothing; a refusal of the control side is an answer", async () => {
    await bench.current.start();
    const head = await bench.current.ask("/api/v1/tap", { method: "HEAD" });
    expect(head.headers["content-type"]).toBe("text/event-stream");
    expect(bench.current.control.taps).toHaveLength(0);
    bench.current.control.failure = Object.assign(new Error("no"), { name: "Error" });
    expect((await bench.current.ask("/api/v1/tap")).status).toBe(500);
  });

  test("needs the token like everything else, and is written to the audit log", async () => {
    await bench.current.start("s3cret");
    expect((await bench.current.ask("/api/v1/tap")).status).toBe(401);
    expect(bench.current.control.taps).toHaveLength(0);
    const reader = await Reader.open("?match=cookie=a", { authorization: "Bearer s3cret" });
    await reader.until(": tap");
    const audits = bench.current.logged.filter(([, fields]) => fields["audit"] === true);
    expect(audits.map(([, , text]) => text)).toEqual(["admin GET /api/v1/tap -> 200"]);
    reader.response.destroy();
    await untilClosed();
  });

  test("is described in openapi with the shape of its events", async () => {
    await bench.current.start();
    const { json } = await bench.current.ask("/api/v1/openapi.json");
    const { parameters, responses } = json.paths["/api/v1/tap"].get;
    expect(parameters.map((one: { name: string }) => one.name)).toEqual([
      "filter",
      "route",
      "status",
      "match",
      "rate",
      "trace",
    ]);
    const [, request] = responses["2XX"].content["text/event-stream"].schema.oneOf;
    const described = request.properties.record;
    const sample = record();
    expect(Object.keys(described.properties).sort()).toEqual(Object.keys(sample).sort());
    expect(described.required.sort()).toEqual(Object.keys(sample).sort());
    const filter = described.properties.filters.items;
    expect(Object.keys(filter.properties).sort()).toEqual(Object.keys(sample.filters[0] ?? {}).sort());
    const phase = filter.properties.phases.items;
    expect(Object.keys(phase.properties).sort()).toEqual(Object.keys(sample.filters[0]?.phases[0] ?? {}).sort());
  });
});

describe("the query", () => {
  test.each([
    ["x-user=7", { key: "x-user", value: "7", isPrefix: false }],
    ["X-User=a=b", { key: "x-user", value: "a=b", isPrefix: false }],
    ["path=/orders*", { key: "path", value: "/orders", isPrefix: true }],
    ["x-any=*", { key: "x-any", value: "", isPrefix: true }],
    ["x-none=", { key: "x-none", value: "", isPrefix: false }],
  ])("match %s", (text, wanted) => expect(parseMatch(text)).toEqual(wanted));

  test.each(["", "x-user", "=7", "x user=7", "x:y=1"])('match "%s" is refused', (text) =>
    expect(() => parseMatch(text)).toThrow(`match: expected name=value, got "${text}"`),
  );

  test("status and rate have bounds", () => {
    expect(parseStatus("5XX,404,0")).toEqual(["5xx", "404", "0"]);
    expect(parseStatus("")).toEqual([]);
    for (const bad of ["6xx", "50", "abc", "200,", "5x"]) expect(() => parseStatus(bad)).toThrow("status: expected");
    expect([parseRate(""), parseRate("1"), parseRate("1000")]).toEqual([10, 1, 1000]);
    for (const bad of ["0", "1001", "-1", "1.5", "x"]) expect(() => parseRate(bad)).toThrow("rate: expected");
  });

  test("names that the configuration does not have are refused with those it has", () => {
    const query = (text: string) => () => parseTap(new URLSearchParams(text), FAKE_CONFIG);
    expect(query("filter=nope")).toThrow('filter: there is no filter "nope"');
    expect(query("route=nope")).toThrow('route: there is no route "nope"');
    expect(query(Array.from({ length: 17 }, () => "match=a=b").join("&"))).toThrow("at most 16 conditions, got 17");
  });

  test("a bad query is 422 with its place", async () => {
    await bench.current.start();
    const answer = await bench.current.ask("/api/v1/tap?status=teapot");
    expect([answer.status, answer.json.pointer]).toEqual([422, "/status"]);
    expect(bench.current.control.taps).toHaveLength(0);
  });
});
