// From a frame of a guest's stack to the line its author wrote: undo the rewriting (offset table), then the source map.
// Frames of the standard library map to nothing an author can change and keep their function name only.
import { decodedMappings, originalPositionFor, TraceMap } from "@jridgewell/trace-mapping";
import { basename, dirname, resolve } from "node:path";
import { functionRanges } from "../module/function-ranges.ts";
import { originalOffset } from "../module/offsets.ts";
import type { GuestFrame } from "../vm/faults.ts";

export interface SourceFrame {
  readonly name: string;
  /** Absolute, or "" when unknown. */
  readonly file: string;
  /** 1-based; 0 when unknown. */
  readonly line: number;
  readonly column: number;
}

/** What is known of the module that the frames ran in; a Version has it. */
export interface MappedModule {
  /** The original. */
  readonly wasm: Uint8Array;
  readonly map: Uint8Array | null;
  /** From the rewritten module to the original; null = it was not rewritten. */
  readonly offsets: Uint32Array | null;
  readonly options: { readonly source: string };
}

/** wasm source maps have one line; the column is the byte offset (WebAssembly tool conventions). */
export function sourceFrames(frames: readonly GuestFrame[], version: MappedModule): readonly SourceFrame[] {
  const folder = filterFolder(version.options.source);
  const lines = version.map === null ? null : new Lines(version.map, functionRanges(version.wasm));
  return frames.map(({ name, offset }) => {
    const column = version.offsets === null ? offset : (originalOffset(version.offsets, offset) ?? 0);
    const found = lines?.at(column) ?? null;
    if (found === null) return { name, file: "", line: 0, column: 0 };
    return { name, file: resolve(folder, found.source), line: found.line, column: found.column + 1 };
  });
}

interface Line {
  readonly source: string;
  readonly line: number;
  readonly column: number;
}

const isOwn = (source: string | null | undefined): source is string =>
  typeof source === "string" && !source.includes("~lib/");

class Lines {
  readonly #map: TraceMap;
  /** Where the functions' code begins and ends, flat, ascending. */
  readonly #ranges: readonly number[];

  constructor(map: Uint8Array, ranges: readonly number[]) {
    this.#map = new TraceMap(Buffer.from(map).toString("utf8"));
    this.#ranges = ranges;
  }

  /**
   * The line of the filter's own source at `offset`. The optimiser copies library code into the functions that use it: then
   * the nearest own line before it in that function led there, or else the first one behind it.
   */
  at(offset: number): Line | null {
    const { source, line, column } = originalPositionFor(this.#map, { line: 1, column: offset });
    if (isOwn(source) && line !== null && column !== null) return { source, line, column };
    const after = this.#ranges.findIndex((bound) => bound > offset);
    if (after < 1 || after % 2 === 0) return null;
    const [from = 0, to = 0] = [this.#ranges[after - 1], this.#ranges[after]];
    const own = this.#own(from, to);
    return own.findLast(({ at }) => at <= offset) ?? own[0] ?? null;
  }

  #own(from: number, to: number): readonly (Line & { readonly at: number })[] {
    const segments = decodedMappings(this.#map)[0] ?? [];
    return segments.flatMap((segment) => {
      const source = segment.length === 1 ? null : this.#map.sources[segment[1]];
      if (segment[0] < from || segment[0] >= to || segment.length === 1 || !isOwn(source)) return [];
      return [{ at: segment[0], source, line: segment[2] + 1, column: segment[3] }];
    });
  }
}

/** What the map's names are relative to: the entry's folder, or the one above a folder called `assembly`. */
function filterFolder(entry: string): string {
  const folder = dirname(entry);
  return basename(folder) === "assembly" ? dirname(folder) : folder;
}
