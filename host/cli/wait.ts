// --wait and --timeout of the commands that change something. The admin API answers when all threads are through, so
// waiting is what happens anyway; the flag is accepted for scripts that say what they mean.
import type { ArgsDef } from "citty";
import { parseDurationMs } from "../base/units.ts";
import type { Context } from "./command.ts";
import { UsageError } from "./exit.ts";

export const WAIT_ARGS = {
  wait: { type: "boolean", description: "Answer when all data threads are through (always)" },
  timeout: { type: "string", description: "Give up after this time", valueHint: "30s" },
} as const satisfies ArgsDef;

/** Default one minute: a release build of a large filter takes seconds. */
export function timeoutMs(context: Context): number {
  const text = context.args.text("timeout") ?? "60s";
  const value = parseDurationMs(text);
  if (value === null) throw new UsageError(`--timeout: expected a duration such as 30s, got "${text}"`);
  return value;
}
