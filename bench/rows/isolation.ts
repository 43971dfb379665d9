// F1 to F4: what keeping a filter in its bounds costs, and how fast it is stopped and replaced. In this process, no sockets.
import { instrument } from "../../host/module/fuel.ts";
import { ByteReader, uleb } from "../../host/module/reader.ts";
import { readSections, SECTION } from "../../host/module/sections.ts";
import { Harness } from "../../host/testing/harness.ts";
import { DEFAULT_LIMITS } from "../../host/plugin/defaults.ts";
import { type Bench, wants } from "../bench.ts";
import { type Figure, figureOf } from "../measure/statistics.ts";
import { type Row, rowOf } from "../row.ts";
import { guestCallback, measure } from "./callback.ts";

const KiB = 1024;
const ROUNDS = 9;

export async function isolationRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "F1", "F2", "F3", "F4")) return [];
  const rows: Row[] = [];
  const { wasm: tier } = await bench.build("tier");
  if (wants(bench, "F1")) rows.push(overheadRow(tier));
  if (wants(bench, "F2")) rows.push(...rewriteRows(tier));
  if (!wants(bench, "F3", "F4")) return rows;
  const { wasm } = await bench.build("misbehave");
  if (wants(bench, "F3")) rows.push(stopRow(wasm));
  if (wants(bench, "F4")) rows.push(renewRow(wasm));
  return rows;
}

/** Rounds of both, by turns, so that the machine's moods meet both. */
function overheadRow(wasm: Uint8Array): Row {
  const fueled = guestCallback(wasm);
  const plain = guestCallback(wasm, { limits: { ...DEFAULT_LIMITS, fuel: null } });
  const ratios = Array.from({ length: 5 }, () => measure(fueled).min / measure(plain).min);
  return rowOf({
    id: "F1",
    what: "callback of an SDK filter (2 get, 1 set), fuel on",
    peer: "fuel: none",
    unit: "x",
    figure: figureOf(ratios),
    gate: 1.15,
  });
}

function rewriteRows(wasm: Uint8Array): readonly Row[] {
  const sizes = [
    { what: "50 KB", bytes: 50 * KiB, gate: 1 },
    { what: "3 MB", bytes: 3 * KiB * KiB, gate: 150 },
  ];
  return sizes.map(({ what, bytes, gate }) => {
    const module = enlarged(wasm, bytes);
    const figure = cpuMillisOf(() => void instrument(module, { initial: 1000 }));
    return rowOf({ id: "F2", what: `a module of ${what} given its fuel counter`, unit: "ms", figure, gate });
  });
}

/** Of CPU: the rewriting waits for nothing. */
function cpuMillisOf(run: () => void): Figure {
  for (let at = 0; at < 10; at++) run();
  const millis = Array.from({ length: ROUNDS }, () => {
    const before = process.cpuUsage();
    run();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  });
  return figureOf(millis);
}

function millisOf(run: () => void): Figure {
  for (let at = 0; at < 3; at++) run();
  const millis = Array.from({ length: ROUNDS }, () => {
    const began = performance.now();
    run();
    return performance.now() - began;
  });
  return figureOf(millis);
}

/** The module with its functions repeated until it has about so many bytes: the copies are called by nobody. */
function enlarged(wasm: Uint8Array, bytes: number): Uint8Array {
  const times = Math.ceil(bytes / wasm.length);
  const parts: Uint8Array[] = [wasm.subarray(0, 8)];
  for (const { id, header, start, end } of readSections(wasm)) {
    if (id !== SECTION.function && id !== SECTION.code) {
      parts.push(wasm.subarray(header, end));
      continue;
    }
    const reader = new ByteReader(wasm, start, end);
    const count = uleb(reader.u32() * times);
    const items = wasm.subarray(reader.at, end);
    const size = uleb(count.length + items.length * times);
    parts.push(Uint8Array.from([id, ...size, ...count]), ...Array.from({ length: times }, () => items));
  }
  return Buffer.concat(parts);
}

/** From the request that loops to its 503, at the default budget. */
function stopRow(wasm: Uint8Array): Row {
  const h = new Harness([{ name: "misbehave", wasm }]);
  const figure = millisOf(() => {
    h.clock.advance(61_000);
    h.request({ headers: { "x-loop": "1" } }).end();
  });
  if (h.faults.length === 0 || h.faults.some(({ fault }) => fault.reason !== "fuel"))
    throw new Error("it did not loop");
  h.close();
  return rowOf({ id: "F3", what: "a loop without end stopped, at the default budget", unit: "ms", figure, gate: 25 });
}

/** From the trap to the answer that a new instance gave. */
function renewRow(wasm: Uint8Array): Row {
  const h = new Harness([{ name: "misbehave", wasm }]);
  const figure = millisOf(() => {
    h.clock.advance(61_000);
    h.request({ headers: { "x-trap": "1" } }).end();
    const next = h.request();
    if (next.upstreamRequest === null) throw new Error("the new instance did not serve");
    next.end();
  });
  h.close();
  return rowOf({
    id: "F4",
    what: "a trap, and the next request served by a new instance",
    unit: "ms",
    figure,
    gate: 5,
  });
}
