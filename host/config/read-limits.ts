// `filters[].limits` -> FilterLimits, by the table of limits.
import { DEFAULT_LIMITS } from "../plugin/defaults.ts";
import { SETTABLE_LIMITS, type SettableLimit } from "../plugin/limit-table.ts";
import type { FilterLimits } from "../plugin/options.ts";
import type { Reader } from "./reader.ts";

export function readLimits(reader: Reader): FilterLimits {
  const given = SETTABLE_LIMITS.filter(({ key }) => reader.get(key).isPresent);
  const read = given.map((limit) => [limit.field, readOne(reader.get(limit.key), limit)] as const);
  return { ...DEFAULT_LIMITS, ...(Object.fromEntries(read) as Partial<FilterLimits>) };
}

/** Counts and points have their range from the schema; sizes and durations are text there. */
function readOne(reader: Reader, { unit, byDefault, min, max, key }: SettableLimit): number | null {
  if (unit === "points") return reader.fuel(byDefault);
  if (unit === "count") return reader.number(byDefault);
  const value = unit === "bytes" ? reader.bytes(byDefault) : reader.durationMs(byDefault);
  if (value >= min && value <= max) return value;
  const range = `limits.${key} is ${min} to ${max} ${unit === "bytes" ? "bytes" : "ms"}`;
  reader.problem("out_of_range", `${range}, got ${value}`, { hint: "see docs/limits.md" });
  return byDefault;
}
