// A shadow keeps to its share of the CPU, says when it is behind, and survives what it had to give up.
import { beforeAll, describe, expect, test } from "vitest";
import type { Clock } from "../../../../host/base/clock.ts";
import { VirtualClock } from "../../../../host/base/clock.ts";
import type { FromShadow, ShadowBegin, ShadowCounts } from "../../../../host/control/shadow/messages.ts";
import { ShadowRun } from "../../../../host/control/shadow/shadow-run.ts";
import { parseRecording } from "../../../../host/replay/jsonl.ts";
import { subjectOf } from "../../../../host/replay/replay.ts";
import { harness } from "../../../../sdk/testing/index.ts";
import { probeModule } from "../../../support/probe.ts";

let begin: ShadowBegin;
/** Start-up of an instance, and streams of it. */
let startUp = "";
let streams: string[] = [];

beforeAll(async () => {
  const wasm = await probeModule();
  const h = await harness([{ source: wasm, name: "probe", config: { name: "one" } }], { record: true });
  for (let at = 0; at < 50; at++) h.request().respond({ body: "answer" }).end();
  const { header, lines } = parseRecording(h.recording());
  h.close();
  const text = (from: number, to?: number): string =>
    lines
      .slice(from, to)
      .map((line) => `${JSON.stringify(line)}\n`)
      .join("");
  const starts = lines.flatMap((line, at) => (line.t === "begin" ? [at] : []));
  startUp = text(0, starts[0]);
  streams = starts.map((at, index) => text(at, starts[index + 1]));
  const a = { ...subjectOf(header, { name: "v1", wasm }), name: "v1" };
  const b = { ...subjectOf(header, { name: "v2", wasm, config: '{"name":"two"}' }), name: "v2" };
  begin = { type: "begin", id: 7, a, b, ignore: [], cpuPercent: 10 };
});

/** Lines as a data thread sends them. */
const bundle = (lines: string): string => `[${lines.trimEnd().replaceAll("\n", ",")}]`;

/** A clock on which every look takes a little: work costs time. */
function workingClock(costMs: number): { clock: Clock; virtual: VirtualClock; worked: () => number } {
  const virtual = new VirtualClock();
  let spentMs = 0;
  const clock: Clock = {
    nowNanos: () => virtual.nowNanos(),
    nowMs: () => virtual.nowMs(),
    monotonicMs: () => virtual.monotonicMs() + (spentMs += costMs),
    after: (ms, run) => virtual.after(ms, run),
  };
  return { clock, virtual, worked: () => spentMs };
}

function runOn(clock: Clock): { run: ShadowRun; said: FromShadow[]; counts: () => ShadowCounts } {
  const said: FromShadow[] = [];
  const run = new ShadowRun(begin, {
    clock,
    cpuMs: () => clock.monotonicMs(),
    live: undefined,
    say: (message) => void said.push(message),
  });
  const counts = (): ShadowCounts => {
    run.tell();
    const last = said.findLast((message) => message.type === "counts");
    if (last?.type !== "counts") throw new Error("nothing was told");
    return last.counts;
  };
  return { run, said, counts };
}

describe("a shadow's run", () => {
  test("plays what comes and tells what differs", () => {
    const { clock, virtual } = workingClock(0);
    const { run, counts } = runOn(clock);
    run.add(bundle(startUp + streams.join("")));
    virtual.advance(100);
    expect(counts()).toMatchObject({ compared: 50, differing: 50, noise: { compared: 50, differing: 0 }, fault: "" });
    run.end();
    expect(virtual.pending).toBeLessThanOrEqual(1);
  });

  test("works no more than its share, and gets there in the end", () => {
    const { clock, virtual, worked } = workingClock(0.05);
    const { run, counts } = runOn(clock);
    run.add(bundle(startUp + streams.join("")));
    virtual.advance(1000);
    const after = worked();
    // A tenth of a second of ten, and what may be saved up.
    expect(after).toBeLessThan(0.1 * (1000 + after) + 200 + 20);
    virtual.advance(60_000);
    expect(counts().compared).toBe(50);
    run.end();
  });

  test("says when it is behind and when it has caught up", () => {
    const { clock, virtual } = workingClock(0);
    const { run, said } = runOn(clock);
    run.add(bundle(startUp));
    const all = streams.join("");
    for (let at = 0; at < 100; at++) run.add(bundle(all));
    expect(said).toContainEqual({ type: "hold", id: 7, hold: true });
    virtual.advance(1000);
    expect(said.findLast(({ type }) => type === "hold")).toEqual({ type: "hold", id: 7, hold: false });
    run.end();
  });

  test("gives up what is far too much, and goes on with the next instance", () => {
    const { clock, virtual } = workingClock(0);
    const { run, said, counts } = runOn(clock);
    run.add(bundle(startUp));
    const all = streams.join("");
    while (!said.some(({ type }) => type === "gap")) run.add(bundle(all));
    virtual.advance(1000);
    // What the old instance goes on with is not compared: its beginning is gone.
    run.add(bundle(streams[0] ?? ""));
    virtual.advance(1000);
    const before = counts().compared;
    run.add(bundle((startUp + (streams[0] ?? "")).replaceAll('"1.1"', '"2.1"')));
    virtual.advance(1000);
    expect(counts().compared).toBe(before + 1);
    run.end();
  });
});
