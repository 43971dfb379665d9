// What happens between host and guest, for people: `sluice call --trace`, `sluice tap`, tests, reports. Off (absent) on a
// serving proxy, where it costs nothing: host functions and callbacks are only wrapped when somebody listens.
import { fillCallbacks, type GuestCallback, type GuestCallbacks, mapCallbacks } from "./callbacks.ts";
import type { GuestMemory } from "./memory.ts";
import type { Hostcalls } from "./ports.ts";
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

/** And for recordings. */
export interface RecordedGuest extends TracedGuest {
  readonly context: Hostcalls;
  /** Wall clock, frozen for the length of one callback. */
  nowNanos(): bigint;
}

/** One host call as it was made. The guest's memory holds what it was given, and what it got. */
export interface MadeCall {
  readonly name: string;
  readonly args: readonly (number | bigint)[];
  readonly status: number | bigint | undefined;
  readonly memory: GuestMemory;
}

export interface VmTrace {
  callbackBegan(name: string, contextId: number, args: readonly number[], guest: RecordedGuest): void;
  /** `result` is FAULTED (-1) when the instance died. */
  callbackEnded(name: string, result: number, guest: RecordedGuest): void;
  /** After a host function returned: the call in words, with its status and what it gave. Of a traced VM only. */
  hostCall(words: string): void;
  /** The same exactly, for recordings; with it, `hostCall` is not called. */
  called?(call: MadeCall): void;
  /** A host call was refused: why. Heard also where only the callbacks of one stream are traced. */
  refused?(reason: string): void;
  /** Hears of every callback that a stream could have had, also of those that the guest lacks: another version may have them. */
  readonly hearsMissing?: boolean;
  /** What may be shown of the value that `name` has. With it, the content of bodies and messages is not shown at all. */
  show?(name: string, value: string): string;
}

/** The callbacks, with `trace` told of each run; as they are when nobody listens. */
export function traceCallbacks(
  callbacks: GuestCallbacks,
  trace: VmTrace | undefined,
  guest: RecordedGuest,
): GuestCallbacks {
  if (trace === undefined) return callbacks;
  const heard = mapCallbacks(callbacks, (callback) => traced(callback, trace, guest));
  if (trace.hearsMissing !== true) return heard;
  return fillCallbacks(heard, (standIn) => traced(standIn, trace, new Bystander(guest)));
}

/** The guest of a callback that it does not have: it uses no fuel. */
class Bystander implements RecordedGuest {
  readonly fuelLeft = null;
  readonly #guest: RecordedGuest;

  constructor(guest: RecordedGuest) {
    this.#guest = guest;
  }

  get context(): Hostcalls {
    return this.#guest.context;
  }

  get refusal(): Refusal {
    return this.#guest.refusal;
  }

  nowNanos(): bigint {
    return this.#guest.nowNanos();
  }
}

function traced(callback: GuestCallback, trace: VmTrace, guest: RecordedGuest): GuestCallback {
  const heard = trace.refused === undefined ? null : (reason: string) => trace.refused?.(reason);
  return {
    name: callback.name,
    run: (contextId = 0, ...args) => {
      trace.callbackBegan(callback.name, contextId, args, guest);
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
