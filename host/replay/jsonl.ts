// A recording as a file: the header, then one event per line.
import { problemError } from "../base/problem.ts";
import { FEATURES } from "../plugin/foreign/table.ts";
import { FILTER_DEFAULTS } from "../plugin/defaults.ts";
import type { FilterOptions } from "../plugin/options.ts";
import { sha256Hex } from "../base/hash.ts";
import { FORMAT, type HeaderLine, type RecordedOptions, type RecordLine } from "./events.ts";

export interface Recording {
  readonly header: HeaderLine;
  readonly lines: readonly RecordLine[];
}

export interface HeaderInput {
  readonly options: FilterOptions;
  readonly version: string;
  readonly sha256: string;
  readonly abi: string;
  readonly redacted: boolean;
  readonly bodies: string;
}

export function headerOf({ options, ...rest }: HeaderInput): HeaderLine {
  const { version, sha256, abi, redacted, bodies } = rest;
  const configHash = sha256Hex(options.pluginConfig);
  const shape = { filter: options.name, version, sha256, configHash, abi, features: FEATURES };
  return { t: "header", format: FORMAT, ...shape, options: recordedOptions(options), redacted, bodies };
}

/** Where it comes from and where it stands in the chain means nothing to a replay; the configuration is the instance's. */
const NOT_RECORDED: ReadonlySet<string> = new Set(["name", "source", "sha256", "phase", "priority", "pluginConfig"]);

const recordedOptions = (options: FilterOptions): RecordedOptions =>
  Object.fromEntries(Object.entries(options).filter(([key]) => !NOT_RECORDED.has(key))) as unknown as RecordedOptions;

/** Filter options as the recorded instance had them. */
export function optionsOf({ filter, options }: HeaderLine): FilterOptions {
  // A recording of an earlier version may lack what has come since.
  const limits = { ...FILTER_DEFAULTS.limits, ...options.limits };
  return { ...FILTER_DEFAULTS, ...options, limits, name: filter };
}

const HINT = "expected what `sluice record` writes: a header line, then one event per line";

/** @throws ProblemError with the line that is no event */
export function parseRecording(text: string): Recording {
  const lines = text.split("\n").filter((line, at, all) => line !== "" || at < all.length - 1);
  const [first, ...rest] = lines.map((line, at) => parseLine(line, at + 1));
  const header = first as unknown as HeaderLine | undefined;
  if (header?.t !== "header") throw bad("recording_without_header", "line 1 is no header of a recording");
  if (header.format !== FORMAT)
    throw bad("recording_format", `the recording has format ${header.format}, this version reads ${FORMAT}`);
  return { header, lines: rest };
}

function parseLine(text: string, at: number): RecordLine {
  try {
    const line: unknown = JSON.parse(text);
    if (typeof line === "object" && line !== null && "t" in line && typeof line.t === "string")
      return line as RecordLine;
  } catch {
    // Said below.
  }
  throw bad("recording_line", `line ${at} of the recording is no event: ${text.slice(0, 60)}`);
}

const bad = (code: string, message: string) => problemError("state", `bad_${code}`, message, { hint: HINT });

export function writeRecording({ header, lines }: Recording): string {
  return [header, ...lines].map((line) => `${JSON.stringify(line)}\n`).join("");
}
