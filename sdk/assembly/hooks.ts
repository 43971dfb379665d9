// Work of parts that many filters do not use. Each part registers itself when it is first used, so that a header filter
// carries neither metrics nor call-outs nor timers in its binary.
import { Context } from "./owner";

/** Set by metrics.ts: defines what was declared at the top level. */
export let defineDeclared: (() => void) | null = null;
/** Set by waiter.ts: lets go what waits for a context. */
export let releaseWaiters: ((context: Context) => void) | null = null;
/** Set by callout.ts: an answer has come (token, headers, body size, trailers). */
export let answerCall: ((token: u32, headers: u32, bodySize: u32, trailers: u32) => void) | null = null;
/** Set by grpc.ts: something of a call or stream has come (a GrpcEvent, id, count, size or status). */
export let answerGrpc: ((event: u32, id: u32, value: u32) => void) | null = null;
/** Set by timer.ts: the tick of a root. */
export let runTimers: ((root: Context) => void) | null = null;

export function onDefine(hook: () => void): void {
  defineDeclared = hook;
}
export function onAnswer(hook: (token: u32, headers: u32, bodySize: u32, trailers: u32) => void): void {
  answerCall = hook;
}
export function onGrpc(hook: (event: u32, id: u32, value: u32) => void): void {
  answerGrpc = hook;
}
export function onTick(hook: (root: Context) => void): void {
  runTimers = hook;
}
export function onRelease(hook: (context: Context) => void): void {
  releaseWaiters = hook;
}
