// One round of the fuzzer: what a seed makes, and what is wrong with how the proxy took it. A finding is a sentence.
import { decodePairs } from "../../../host/abi/pairs.ts";
import { clusterOfGrpcService } from "../../../host/abi/grpc-service.ts";
import { parsePropertyPath } from "../../../host/abi/property-path.ts";
import { ProblemError } from "../../../host/base/problem.ts";
import { prepareModule } from "../../../host/module/prepare.ts";
import { parseMetricName } from "../../../host/plugin/metric-name.ts";
import { hostile } from "../../support/hostile.ts";
import { runCell } from "../guests/battery.ts";
import { Writer } from "./program.ts";

/** Whatever a guest may do; only our own bug is none of these. */
const ENDS = ["lives", "trap", "stack", "fuel", "oom", "restricted_callback", "proc_exit"] as const;
const SLOW_MS = 5000;
const sample = hostile({}, "");

/** "" when all is well. */
export function fuzz(seed: number): string {
  const parsers = fuzzParsers(new Writer(seed));
  if (parsers !== "") return parsers;
  const { moment, does } = new Writer(seed ^ 0x5bd1_e995).program();
  const { wrong, millis } = runCell({ deed: { name: `seed ${seed}`, ends: ENDS, does }, moment });
  if (wrong !== "") return `in ${moment}: ${wrong}`;
  return millis > SLOW_MS ? `in ${moment}: took ${millis.toFixed(0)} ms` : "";
}

/** Parsers of what guests hand over: an answer or null, or a problem with words, and nothing else. */
function fuzzParsers(writer: Writer): string {
  const tries: readonly (readonly [string, () => unknown])[] = [
    ["decodePairs", () => decodePairs(writer.anyPairs())],
    ["parsePropertyPath", () => parsePropertyPath(writer.anyText())],
    ["parseMetricName", () => parseMetricName(writer.anyText())],
    ["clusterOfGrpcService", () => clusterOfGrpcService(writer.anyPairs())],
    [
      "prepareModule",
      () => prepareModule(writer.damaged(sample), { name: "f", memoryBytes: 1 << 22, fuel: 1_000_000 }),
    ],
  ];
  for (const [name, run] of tries) {
    try {
      run();
    } catch (error) {
      if (!(error instanceof ProblemError)) return `${name} threw ${String(error)}`;
    }
  }
  return "";
}
