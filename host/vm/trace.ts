// What happens between host and guest, for people: `sluice call --trace`, tests, reports. Off (null) on a serving proxy,
// where it costs nothing: host functions are only wrapped when somebody listens.

import { type GuestCallbacks, mapCallbacks } from "./callbacks.ts";

/** As vm.ts answers it. */
const FAULTED_RESULT = -1;

export interface VmTrace {
  callbackBegan(name: string, contextId: number, args: readonly number[]): void;
  /** `result` is FAULTED (-1) when the instance died. */
  callbackEnded(name: string, result: number): void;
  /** After a host function returned: the call in words, with its status and what it gave. */
  hostCall(words: string): void;
}

/** The callbacks, with `trace` told of each run; as they are when nobody listens. */
export function traceCallbacks(callbacks: GuestCallbacks, trace: VmTrace | undefined): GuestCallbacks {
  if (trace === undefined) return callbacks;
  return mapCallbacks(callbacks, (callback) => ({
    name: callback.name,
    run: (contextId = 0, ...args) => {
      trace.callbackBegan(callback.name, contextId, args);
      let result = FAULTED_RESULT;
      try {
        result = callback.run(contextId, ...args) ?? 0;
      } finally {
        trace.callbackEnded(callback.name, result);
      }
      return result;
    },
  }));
}
