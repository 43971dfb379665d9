// Which context the running callback belongs to. Set by the dispatcher, read by timers and delays.
import * as env from "./env";
import { Context } from "./owner";

/** Whose callback is running; null outside callbacks. */
export let current: Context | null = null;
/** True while the running callback belongs to the response side of an HTTP stream or to upstream data. */
export let onResponseSide: bool = false;

/** Notes the context of the running callback. */
export function within(context: Context | null, responseSide: bool = false): void {
  current = context;
  onResponseSide = responseSide;
}

/** Makes host calls act on `context`: answers and ticks arrive on the plugin context (abi.md 8.3). */
export function actOn(context: Context): void {
  current = context;
  env.proxy_set_effective_context(context.id);
}
