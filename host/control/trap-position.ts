// From a frame of a guest's stack to the line its author wrote: undo the rewriting (offset table), then the source map.
// Frames of the standard library map to nothing an author can change and keep their function name only.
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import { basename, dirname, resolve } from "node:path";
import { originalOffset } from "../module/offsets.ts";
import type { GuestFrame } from "../vm/faults.ts";
import type { Version } from "./version.ts";

export interface SourceFrame {
  readonly name: string;
  /** Absolute, or "" when unknown. */
  readonly file: string;
  /** 1-based; 0 when unknown. */
  readonly line: number;
  readonly column: number;
}

/** wasm source maps have one line; the column is the byte offset (WebAssembly tool conventions). */
export function sourceFrames(frames: readonly GuestFrame[], version: Version): readonly SourceFrame[] {
  const map = version.map === null ? null : new TraceMap(Buffer.from(version.map).toString("utf8"));
  const folder = filterFolder(version.options.source);
  return frames.map(({ name, offset }) => {
    const column = version.offsets === null ? offset : (originalOffset(version.offsets, offset) ?? 0);
    const found = map === null ? null : originalPositionFor(map, { line: 1, column });
    if (found === null || found.source === null || found.source.includes("~lib/"))
      return { name, file: "", line: 0, column: 0 };
    return { name, file: resolve(folder, found.source), line: found.line, column: found.column + 1 };
  });
}

/** What the map's names are relative to: the entry's folder, or the one above a folder called `assembly`. */
function filterFolder(entry: string): string {
  const folder = dirname(entry);
  return basename(folder) === "assembly" ? dirname(folder) : folder;
}
