// AB: what an experiment costs a request: finding its arm, and a whole stream through a chain of one filter with and without
// an experiment on it. In this process, no sockets; process.cpuUsage around many calls.
import type { Arm, ChainSlot } from "../../host/chain/slot.ts";
import { seededRandom } from "../../host/base/random.ts";
import { newArmCounts } from "../../host/chain/slot.ts";
import { ArmLedger } from "../../host/data-plane/arm-ledger.ts";
import { ExperimentSlot } from "../../host/data-plane/experiment-slot.ts";
import { Assignment } from "../../host/experiment/assignment.ts";
import { planRanges } from "../../host/experiment/ranges.ts";
import { createUnitBook, UnitBook } from "../../host/experiment/unit-book.ts";
import { Harness } from "../../host/testing/harness.ts";
import { type Bench, wants } from "../bench.ts";
import { combine } from "../measure/statistics.ts";
import { type Row, rowOf } from "../row.ts";
import { measure, wholeStream } from "./callback.ts";

const CALLS = 50_000;
const UNITS = Array.from({ length: 1024 }, (_, at) => `user-${at * 7919}`);

export async function experimentRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "AB")) return [];
  const { wasm } = await bench.build("tier");
  const assignment = Assignment.fromWeights("checkout", [90, 10]);
  let at = 0;
  const assign = measure(() => void assignment.assign(UNITS[at++ & 1023] ?? ""), 4 * CALLS);
  const plain = measure(wholeStream(wasm, 1), CALLS);
  const tried = measure(wholeStream(wasm, 1, slotsUnderTrial), CALLS);
  return [
    rowOf({ id: "AB", what: "assignment of a unit", unit: "us", figure: assign, gate: 0.3 }),
    rowOf({ id: "AB", what: "a whole stream through a chain of one", unit: "us", figure: plain }),
    rowOf({ id: "AB", what: "the same under an experiment", unit: "us", figure: tried }),
    rowOf({
      id: "AB",
      what: "added by an experiment",
      peer: "none",
      unit: "us",
      figure: combine(tried, plain, (a, b) => a - b),
    }),
  ];
}

/** The harness's filter in both arms of an experiment, counted as a data thread counts. */
function slotsUnderTrial({ generations }: Harness): readonly ChainSlot[] {
  return generations.map((generation) => {
    const filter = generation.spec.options.name;
    const handle = createUnitBook(1);
    const book = new UnitBook(handle);
    const ledger = new ArmLedger();
    const plan = { slowMs: [], filterMetrics: [], events: [] };
    const trial = { id: "r1.0", plan, book: handle, layer: null, targeting: null, overrides: null };
    const armOf = (name: string, place: number): Arm => {
      const tally = ledger.tallyOf({ filter, experiment: "e", arm: name }, place, trial, book);
      return { generation, config: "", name, counts: newArmCounts(), tally };
    };
    const ranges = planRanges(null, [50, 50]);
    const arms = ["a", "b"].map((name, place) => ({ name, generation: "", ranges: ranges[place] ?? [] }));
    const message = {
      filter,
      experiment: "e",
      salt: "e",
      unit: [{ kind: "header", name: "x-request-id" } as const],
      arms,
    };
    const random = seededRandom(1);
    return new ExperimentSlot({ message, trial, arms: [armOf("a", 0), armOf("b", 1)], book, ledger, random });
  });
}
