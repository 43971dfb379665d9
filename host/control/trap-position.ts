// From a frame of a guest's stack to the line its author wrote: undo the rewriting (offset table), then the source map.
// Frames of the standard library map to nothing an author can change and keep their function name only.
import { TraceMap, originalPositionFor } from "@jridgewell/trace-mapping";
import { dirname, resolve } from "node:path";
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
  const map = version.map === null ? null : readMap(version.map);
  const folder = dirname(version.options.source);
  return frames.map(({ name, offset }) => {
    const column = version.offsets === null ? offset : (originalOffset(version.offsets, offset) ?? 0);
    const found = map === null ? null : originalPositionFor(map, { line: 1, column });
    if (found === null || found.source === null || found.source.includes("~lib/"))
      return { name, file: "", line: 0, column: 0 };
    return { name, file: resolve(folder, found.source), line: found.line, column: found.column + 1 };
  });
}

/** Sources are named relative to the entry's folder; asc's own root would put its base folder's name in front. */
function readMap(bytes: Uint8Array): TraceMap {
  const { sourceRoot: _ours, ...map } = JSON.parse(Buffer.from(bytes).toString("utf8")) as { sourceRoot?: string };
  return new TraceMap(map as ConstructorParameters<typeof TraceMap>[0]);
}
