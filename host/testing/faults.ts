// A filter's fault with the place in its source, if the build is known: what failure messages of the testing kit show.
import { relative } from "node:path";
import { type MappedModule, type SourceFrame, sourceFrames } from "../control/trap-position.ts";
import type { FaultReport } from "../plugin/services.ts";
import { optionsOf, prepareFilter, type FilterUnderTest } from "./load-filter.ts";

export interface TestFault extends FaultReport {
  /** The filter's frames, innermost first; without a map names only. */
  readonly frames: readonly SourceFrame[];
  /** `filters/tag/assembly/tag.ts:12:5` of the innermost line that the author wrote; "" when unknown. */
  readonly where: string;
}

export function locate(report: FaultReport, filter: FilterUnderTest | undefined): TestFault {
  const found = filter === undefined ? [] : sourceFrames(report.fault.frames, mapped(filter));
  // As one would type it, so that it can be clicked and reads the same on every machine.
  const frames = found.map((frame) => (frame.file === "" ? frame : { ...frame, file: relative(".", frame.file) }));
  const own = frames.find((frame) => frame.line > 0);
  return { ...report, frames, where: own === undefined ? "" : `${own.file}:${own.line}:${own.column}` };
}

function mapped(filter: FilterUnderTest): MappedModule {
  return {
    wasm: filter.wasm,
    map: filter.map ?? null,
    offsets: prepareFilter(filter).offsets,
    options: optionsOf(filter),
  };
}

/** One fault in one or two lines. */
export function describeFault({ filter, fault, where }: TestFault): string {
  const at = where === "" ? "" : `\n    at ${where}`;
  return `filter ${filter} ended in ${fault.callback} with ${fault.reason}: ${fault.message}${at}`;
}
