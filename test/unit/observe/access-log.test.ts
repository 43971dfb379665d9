import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import {
  AccessLog,
  type AccessFacts,
  type Sink,
  formatAccess,
  formatConnection,
} from "../../../host/observe/access-log.ts";
import { Counter } from "../../../host/observe/metrics.ts";

const facts: AccessFacts = {
  requestId: "id-1",
  protocol: "HTTP/1.1",
  listener: "public",
  startMs: 1_893_456_000_123.9,
  sourceAddress: "::1",
  sourcePort: 5,
  routeName: "orders",
  clusterName: "up",
  upstreamAddress: "10.0.0.1",
  upstreamPort: 80,
  attempts: 2,
  responseCode: 503,
  responseFlags: "UF,UC",
  responseCodeDetails: "upstream_reset",
  requestBytes: 1,
  responseBytes: 2,
  durationMs: 3.45678,
  upstreamMs: 2.1,
  arms: "gray=b",
  notes: null,
};
const request = { method: "GET", path: "/a?b", authority: "h", userAgent: 'x"y\nz' };

describe("formatAccess", () => {
  test("json holds one object per line", () => {
    const line = formatAccess("json", facts, request);
    expect(line.endsWith("}\n")).toBe(true);
    expect(line.indexOf("\n")).toBe(line.length - 1);
    expect(JSON.parse(line)).toEqual({
      time: "2030-01-01T00:00:00.123Z",
      listener: "public",
      method: "GET",
      path: "/a?b",
      authority: "h",
      protocol: "HTTP/1.1",
      status: 503,
      flags: "UF,UC",
      details: "upstream_reset",
      requestBytes: 1,
      responseBytes: 2,
      durationMs: 3.457,
      upstreamMs: 2.1,
      route: "orders",
      cluster: "up",
      upstream: "10.0.0.1:80",
      attempts: 2,
      client: "[::1]:5",
      userAgent: 'x"y\nz',
      requestId: "id-1",
      arms: "gray=b",
    });
  });

  test("a connection has bytes and times instead of a request", () => {
    const tcp = { ...facts, protocol: "TCP", responseCode: 0, requestId: "", routeName: "", connectionId: 7 };
    expect(JSON.parse(formatConnection("json", tcp))).toEqual({
      time: "2030-01-01T00:00:00.123Z",
      listener: "public",
      protocol: "TCP",
      flags: "UF,UC",
      details: "upstream_reset",
      bytesReceived: 1,
      bytesSent: 2,
      durationMs: 3.457,
      connectMs: 2.1,
      cluster: "up",
      upstream: "10.0.0.1:80",
      attempts: 2,
      client: "[::1]:5",
      connectionId: 7,
      arms: "gray=b",
    });
    expect(formatConnection("text", tcp)).toBe(
      '[2030-01-01T00:00:00.123Z] "- - TCP" 0 UF,UC upstream_reset 1 2 3 2 "[::1]:5" "-" "-" "-" "10.0.0.1:80" "-" "gray=b"\n',
    );
  });

  test("what filters noted comes with the line, and changes no other", () => {
    const notes = {
      metadata: new Map([["ns", new Map([["k", Buffer.from("é").toString("latin1")]])]]),
      decision: { tags: { tier: "gold" } },
    };
    const noted = { ...facts, notes };
    expect(JSON.parse(formatAccess("json", noted, request))).toMatchObject({
      metadata: { ns: { k: "é" } },
      tags: { tier: "gold" },
    });
    const [plain, text] = [formatAccess("text", facts, request), formatAccess("text", noted, request)];
    expect(text).toBe(`${plain.trimEnd()} "ns.k=é;tier=gold"\n`);
    const empty = { ...facts, notes: { metadata: new Map(), decision: null } };
    expect(formatAccess("text", empty, request)).toBe(plain);
    expect(formatAccess("json", empty, request)).toBe(formatAccess("json", facts, request));
  });

  test("text is Envoy's line, with the arms, and nothing ends its quotes", () => {
    expect(formatAccess("text", facts, request)).toBe(
      '[2030-01-01T00:00:00.123Z] "GET /a?b HTTP/1.1" 503 UF,UC upstream_reset 1 2 3 2 "[::1]:5" "x\\"y\\x0az" "id-1" "h" "10.0.0.1:80" "orders" "gray=b"\n',
    );
  });

  test("text has a dash for what is empty", () => {
    const empty = {
      ...facts,
      responseFlags: "",
      arms: "",
      routeName: "",
      upstreamAddress: "",
      responseCodeDetails: "",
    };
    const line = formatAccess("text", empty, { method: "", path: "", authority: "", userAgent: "" });
    expect(line).toContain('"- - HTTP/1.1" 503 - - 1');
    expect(line).toMatch(/"-" "-" "-" "-"\n$/);
  });
});

describe("AccessLog", () => {
  function setUp() {
    const clock = new VirtualClock();
    const dropped = new Counter();
    const calls: { text: string; done: (error: Error | null, written: number) => void }[] = [];
    const sink: Sink = (bytes, done) => void calls.push({ text: bytes.toString(), done });
    return { clock, dropped, calls, log: new AccessLog({ path: "-", clock, dropped, sink }) };
  }

  test("lines are written together, half a second later", () => {
    const { clock, calls, log } = setUp();
    log.write("a\n");
    log.write("b\n");
    expect(calls).toHaveLength(0);
    clock.advance(500);
    expect(calls.map(({ text }) => text)).toEqual(["a\nb\n"]);
  });

  test("one write at a time, and a short write goes on where it stopped", () => {
    const { clock, calls, log } = setUp();
    log.write("abc\n");
    log.flush();
    log.write("d\n");
    log.flush();
    expect(calls).toHaveLength(1);
    calls[0]?.done(null, 2);
    expect(calls[1]?.text).toBe("c\n");
    calls[1]?.done(null, 2);
    clock.advance(500);
    expect(calls[2]?.text).toBe("d\n");
    expect(clock.pending).toBe(0);
  });

  test("a stuck sink costs lines, not memory", () => {
    const { dropped, log } = setUp();
    const line = `${"x".repeat(1023)}\n`;
    for (let at = 0; at < 10_000; at++) log.write(line);
    expect(dropped.value).toBeGreaterThan(5000);
  });

  test("a failing sink costs the lines of that write", () => {
    const { dropped, calls, log } = setUp();
    log.write("a\n");
    log.write("b\n");
    log.flush();
    calls[0]?.done(new Error("ENOSPC"), 0);
    expect(dropped.value).toBe(2);
  });

  test("closing writes what waits", () => {
    const folder = mkdtempSync(join(tmpdir(), "access-log-"));
    const path = join(folder, "log");
    const log = new AccessLog({ path, clock: new VirtualClock(), dropped: new Counter() });
    log.write("last\n");
    log.close();
    expect(readFileSync(path, "utf8")).toBe("last\n");
    rmSync(folder, { recursive: true });
  });
});
