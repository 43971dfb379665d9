// Names of the ABI's numbers, for messages.
import * as buffers from "../../sdk/assembly/abi/buffer.ts";
import * as levels from "../../sdk/assembly/abi/log-level.ts";
import * as maps from "../../sdk/assembly/abi/map.ts";
import * as statuses from "../../sdk/assembly/abi/status.ts";
import * as streams from "../../sdk/assembly/abi/stream.ts";

const namesOf = (table: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(table).map(([name, value]) => [value, name.toLowerCase()]));

export const STATUS_NAMES: ReadonlyMap<number, string> = new Map(
  Object.entries(statuses).map(([name, value]) => [value as number, name]),
);
export const MAP_NAMES = namesOf(maps);
export const BUFFER_NAMES = namesOf(buffers);
export const STREAM_NAMES = namesOf(streams);
export const LEVEL_NAMES = namesOf(levels);

/** Why bytes are refused as pairs (abi.md 6.1). */
export const NOT_PAIRS =
  "the bytes are not pairs: cut short, a NUL missing, bytes left over, or above 1 MiB or 1024 pairs";
