// One recording, one or two modules: what `sluice replay` prints and the testing kit's `replay` answers.
import { START_FUEL_FACTOR } from "../abi/limits.ts";
import { sha256Hex } from "../base/hash.ts";
import { prepareModule } from "../module/prepare.ts";
import { type HeaderLine } from "./events.ts";
import { optionsOf, type Recording } from "./jsonl.ts";
import type { Divergence, Subject } from "./player.ts";
import { type FuelSum, Session, type SessionOptions } from "./session.ts";
import type { FieldReport, Tally } from "./tally.ts";

export interface ReplayInput {
  readonly name: string;
  readonly wasm: Uint8Array;
  /** Absent: the recorded configuration. */
  readonly config?: string;
}

/** Names are part of `--json`: add, do not rename. */
export interface ReplayReport {
  readonly filter: string;
  readonly recorded: {
    readonly version: string;
    readonly sha256: string;
    readonly redacted: boolean;
    readonly bodies: string;
  };
  readonly a: VersionReport;
  /** Null with one module. */
  readonly b: VersionReport | null;
  /** Of `b` against `a`, or of `a` against what was recorded. */
  readonly compared: number;
  readonly differing: number;
  /** Streams that were sampled and are not in the recording. */
  readonly lost: number;
  readonly fields: readonly FieldReport[];
  readonly fuel: readonly FuelReport[];
}

export interface VersionReport {
  readonly name: string;
  readonly sha256: string;
  /** Streams whose decisions are not those of the recording. */
  readonly differing: number;
  /** Why it does not start; "" when it does. */
  readonly fault: string;
  /** What it asked for and is not in the recording. */
  readonly diverged: number;
  readonly divergences: readonly Divergence[];
}

/** Mean points per callback; null = it never ran there. */
export interface FuelReport {
  readonly callback: string;
  readonly recorded: number | null;
  readonly a: number | null;
  readonly b: number | null;
}

export function subjectOf(header: HeaderLine, input: ReplayInput): Subject {
  const options = optionsOf(header);
  const { memoryBytes, tableEntries, fuel } = options.limits;
  const { module } = prepareModule(input.wasm, {
    name: input.name,
    memoryBytes,
    tableEntries,
    fuel: fuel === null ? null : fuel * START_FUEL_FACTOR,
  });
  const own = input.config === undefined ? {} : { config: input.config };
  return { name: input.name, module, sha256: sha256Hex(input.wasm), options, ...own };
}

/** @throws ProblemError when a module is none */
export function replayRecording(
  { header, lines }: Recording,
  inputs: readonly ReplayInput[],
  options: Partial<SessionOptions> = {},
): ReplayReport {
  const subjects = inputs.map((input) => subjectOf(header, input));
  const session = new Session(subjects, { ignore: [], ...options }, 2);
  session.add(lines);
  session.run();
  session.close();
  return reportOf(header, session);
}

function reportOf(header: HeaderLine, session: Session): ReplayReport {
  const [a, b] = session.results.map(({ subject, tally, fault, diverged, divergences }): VersionReport => ({
    name: subject.name,
    sha256: subject.sha256,
    differing: tally.differing,
    fault,
    diverged,
    divergences,
  }));
  const [first] = session.results;
  if (a === undefined || first === undefined) throw new Error("a replay needs a module");
  const tally: Tally = session.between ?? first.tally;
  const { version, sha256, redacted, bodies } = header;
  return {
    filter: header.filter,
    recorded: { version, sha256, redacted, bodies },
    a,
    b: b ?? null,
    compared: tally.compared,
    differing: tally.differing,
    lost: session.lost,
    fields: tally.fields(null),
    fuel: fuelOf(session),
  };
}

const mean = (sum: FuelSum | undefined): number | null => (sum === undefined ? null : Math.round(sum.fuel / sum.count));

function fuelOf({ results, recordedFuel }: Session): readonly FuelReport[] {
  const [a, b] = results;
  const names = new Set([...recordedFuel.keys(), ...(a?.fuel.keys() ?? []), ...(b?.fuel.keys() ?? [])]);
  return [...names].sort().map((callback) => ({
    callback,
    recorded: mean(recordedFuel.get(callback)),
    a: mean(a?.fuel.get(callback)),
    b: mean(b?.fuel.get(callback)),
  }));
}
