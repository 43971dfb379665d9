// Foreign functions that act on a stream (abi.md 11.2).
import * as status from "../../sdk/assembly/abi/status.ts";
import type { ForeignResult } from "../vm/ports.ts";
import type { StreamContext } from "./stream-context.ts";

const NOTHING = Buffer.alloc(0);
const MAX_DELAY_MS = 60_000;

/** Null when `name` is not a stream function: the plugin's own are tried next. */
export function streamForeign(context: StreamContext, name: string, args: Buffer): ForeignResult | null {
  if (name === "sluice.delay") return delay(context, args);
  if (name === "clear_route_cache") {
    context.clearRouteCache();
    return { status: status.OK, bytes: NOTHING };
  }
  if (name === "sluice.hold_headers") {
    context.holdNext = true;
    return { status: status.OK, bytes: NOTHING };
  }
  return null;
}

/** u32 ms: the host continues this direction after the callback paused it. */
function delay(context: StreamContext, args: Buffer): ForeignResult {
  const ms = args.length === 4 ? args.readUInt32LE(0) : Number.NaN;
  if (!(ms <= MAX_DELAY_MS)) return { status: status.BAD_ARGUMENT, bytes: NOTHING };
  context.resumeLater(ms);
  return { status: status.OK, bytes: NOTHING };
}
