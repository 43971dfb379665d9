// Work of parts that many filters do not use. Each part registers itself when it is first used, so that a header filter
// carries neither metrics nor call-outs nor timers in its binary.
import { Context } from "./owner";

/** Set by metrics.ts: defines what was declared at the top level. */
export let defineDeclared: (() => void) | null = null;
/** Set by waiter.ts: lets go what waits for a context. */
export let releaseWaiters: ((context: Context) => void) | null = null;

export function onDefine(hook: () => void): void {
  defineDeclared = hook;
}
export function onRelease(hook: (context: Context) => void): void {
  releaseWaiters = hook;
}
