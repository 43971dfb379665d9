// What happens between host and guest, for people: `sluice call --trace`, `sluice tap`, tests, reports. Off (absent) on a
// serving proxy, where it costs nothing: host functions and callbacks are only wrapped when somebody listens.
import { type GuestCallback, type GuestCallbacks, mapCallbacks } from "./callbacks.ts";
import type { Refusal } from "./refusal.ts";

/** As vm.ts answers it. */
const FAULTED_RESULT = -1;

/** What a trace may ask of the guest whose callback has just returned. */
export interface TracedGuest {
  /** The effective context, which the callback may have changed. */
  readonly context: { readonly id: number };
  readonly fuelLeft: number | null;
  readonly refusal: Refusal;
}

export interface VmTrace {
  callbackBegan(name: string, contextId: number, args: readonly number[]): void;
  /** `result` is FAULTED (-1) when the instance died. */
  callbackEnded(name: string, result: number, guest: TracedGuest): void;
  /** After a host function returned: the call in words, with its status and what it gave. Of a traced VM only. */
  hostCall(words: string): void;
  /** A host call was refused: why. Heard also where only the callbacks of one stream are traced. */
  refused?(reason: string): void;
  /** What may be shown of the value that `name` has. With it, the content of bodies and messages is not shown at all. */
  show?(name: string, value: string): string;
}

/** The callbacks, with `trace` told of each run; as they are when nobody listens. */
export function traceCallbacks(
  callbacks: GuestCallbacks,
  trace: VmTrace | undefined,
  guest: TracedGuest,
): GuestCallbacks {
  return trace === undefined ? callbacks : mapCallbacks(callbacks, (callback) => traced(callback, trace, guest));
}

function traced(callback: GuestCallback, trace: VmTrace, guest: TracedGuest): GuestCallback {
  const heard = trace.refused === undefined ? null : (reason: string) => trace.refused?.(reason);
  return {
    name: callback.name,
    run: (contextId = 0, ...args) => {
      trace.callbackBegan(callback.name, contextId, args);
      guest.refusal.heard = heard;
      let result = FAULTED_RESULT;
      try {
        result = callback.run(contextId, ...args) ?? 0;
      } finally {
        guest.refusal.heard = null;
        trace.callbackEnded(callback.name, result, guest);
      }
      return result;
    },
  };
}
