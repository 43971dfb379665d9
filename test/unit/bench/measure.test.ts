// What the bench computes with: wrong here would be wrong in every figure it prints.
import { describe, expect, test } from "vitest";
import { parseSTime } from "../../../bench/measure/handshakes.ts";
import { parseH2load, parseWrk } from "../../../bench/measure/load.ts";
import { parseParent, parseRss, parseSchedstat, usageOf } from "../../../bench/measure/proc.ts";
import { markdown } from "../../../bench/readme.ts";
import { figureOf, median, percentile, ratio } from "../../../bench/measure/statistics.ts";
import { type Row, judge, rowOf, single } from "../../../bench/row.ts";
import { withOtherBytes } from "../../../bench/subjects/admin.ts";

describe("statistics", () => {
  test("a median of an even number of values lies between the middle two", () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  test("percentiles interpolate between ranks and do not depend on the order", () => {
    expect(percentile([10, 0, 20, 30, 40], 25)).toBe(10);
    expect(percentile([0, 10], 95)).toBe(9.5);
  });

  test("a figure of no samples is refused", () => {
    expect(() => figureOf([])).toThrow("no samples");
  });

  test("a ratio divides minimum by minimum and median by median", () => {
    expect(ratio(figureOf([2, 4, 6]), figureOf([1, 1, 2]))).toEqual({ min: 2, median: 4 });
  });
});

describe("openssl s_time", () => {
  test("the handshakes of the whole time are read, not those per second of its own CPU", () => {
    const text =
      "1520 connections in 0.83s; 1831.33 connections/user sec\n1520 connections in 2 real seconds, 0 bytes\n";
    expect(parseSTime(text)).toBe(1520);
    expect(() => parseSTime("connect: refused")).toThrow("not a report");
  });
});

describe("/proc", () => {
  test("schedstat begins with the nanoseconds on a CPU", () => {
    expect(parseSchedstat("61103662 12548109 211\n")).toBe(61_103_662);
    expect(() => parseSchedstat("")).toThrow("not a schedstat line");
  });

  test("the resident size is read in bytes, and is 0 for a process without memory", () => {
    expect(parseRss("VmPeak:\t  9 kB\nVmRSS:\t   16144 kB\nRssAnon:\t 5 kB\n")).toBe(16_144 * 1024);
    expect(parseRss("Name:\tkthreadd\n")).toBe(0);
  });

  test("the parent is found behind a name with brackets and spaces", () => {
    expect(parseParent("4242 (odd) name (x) S 77 4242 4242 0")).toBe(77);
  });

  test.runIf(process.platform === "linux")("this process has used time and memory", () => {
    const { cpuNanos, rssBytes } = usageOf(process.pid);
    expect(cpuNanos).toBeGreaterThan(1e6);
    expect(rssBytes).toBeGreaterThan(1e6);
  });
});

describe("wrk", () => {
  const report = `  Latency Distribution
     50%    1.95ms
     75%    2.52ms
     99%  750.00us
  23041 requests in 1.00s, 3.21MB read
  Socket errors: connect 0, read 2, write 0, timeout 1
  Non-2xx or 3xx responses: 4
Requests/sec:  23010.10`;

  test("requests, latencies and everything that failed are read from its report", () => {
    expect(parseWrk(report)).toEqual({ requests: 23_041, failed: 7, p50Ms: 1.95, p99Ms: 0.75 });
  });

  test("anything else is refused with its text", () => {
    expect(() => parseWrk("unable to connect")).toThrow("unable to connect");
  });
});

describe("h2load", () => {
  const report = `finished in 1.00s, 22553.50 req/s, 617.46KB/s
requests: 22553 total, 22713 started, 22553 done, 22550 succeeded, 3 failed, 0 errored, 0 timeout
status codes: 22552 2xx, 0 3xx, 0 4xx, 1 5xx`;

  test("requests and everything that failed are read from its report", () => {
    expect(parseH2load(report)).toMatchObject({ requests: 22_553, failed: 4 });
    expect(() => parseH2load("unable to connect")).toThrow("unable to connect");
  });
});

describe("judging", () => {
  const row = (value: number, goal: { gate?: number; stretch?: number }): Row =>
    rowOf({ id: "P1", what: "", unit: "x", figure: single(value), ...goal });

  test("a figure misses above its gate, passes at it, and stretches at its stretch goal", () => {
    expect(judge(row(1.61, { gate: 1.6, stretch: 1.25 }))).toBe("MISS");
    expect(judge(row(1.6, { gate: 1.6, stretch: 1.25 }))).toBe("pass");
    expect(judge(row(1.25, { gate: 1.6, stretch: 1.25 }))).toBe("stretch");
    expect(judge(row(9, {}))).toBe("");
  });
});

test("a module with other bytes is still a module, and differs each time", () => {
  const empty = Uint8Array.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);
  const [one, two] = [withOtherBytes(empty, 1), withOtherBytes(empty, 2)];
  expect(WebAssembly.validate(one) && WebAssembly.validate(two)).toBe(true);
  expect(Buffer.compare(one, two)).not.toBe(0);
});

describe("the table in README", () => {
  test("has a line for each row, with its unit, its goals and how it did", () => {
    const row = rowOf({
      id: "P1",
      what: "CPU/req",
      peer: "nginx",
      unit: "x",
      figure: single(1.5),
      gate: 1.6,
      stretch: 1.2,
    });
    const plain = rowOf({ id: "-", what: "RSS", unit: "MB", figure: single(12) });
    const text = markdown({ rows: [row, plain], machine: "2 x CPU", node: "v26", generator: "wrk", commit: "abc" });
    expect(text.split("\n").slice(2, 4)).toEqual([
      "| P1 | CPU/req | nginx | 1.50 x | 1.50 x | 1.60 x | 1.20 x | pass |",
      "|  | RSS |  | 12 MB | 12 MB |  |  |  |",
    ]);
    expect(text).toMatch(/2 x CPU, Node v26, wrk\.$/);
  });
});
