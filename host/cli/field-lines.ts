// A field that differs, for people: how often, where, and an example. Of `sluice replay` and `sluice shadow`.
import type { FieldReport } from "../replay/tally.ts";

/** `request_headers  request.header.x-tag  3 of 20  all` and an example below. */
export function fieldLines(
  { phase, field, count, routes, examples }: FieldReport,
  compared: number,
): readonly string[] {
  const where = Object.entries(routes).map(([route, times]) => `${route || "-"} ${times}`);
  const [example] = examples;
  const shown = example === undefined ? [] : [`    a ${example.a ?? "(nothing)"}`, `    b ${example.b ?? "(nothing)"}`];
  const place = example === undefined || example.line === 0 ? "" : `  first at line ${example.line}`;
  return [`  ${phase}  ${field}  ${count} of ${compared}  ${where.join(", ")}${place}`, ...shown];
}
