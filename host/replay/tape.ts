// The recorded answers of one callback: each is given once, to the first call that asks the same. Built when a replayed
// callback begins.
import { parsePropertyPath } from "../abi/property-path.ts";
import type { CallValue } from "../vm/call-values.ts";
import type { Bytes, CallLine } from "./events.ts";

const key = (fn: string, args: readonly CallValue[]): string => `${fn} ${JSON.stringify(args)}`;

/** Guests end a path with a NUL or do not: the same property. */
export const propertyKey = (path: string): string => parsePropertyPath(path)?.join("\0") ?? path;

const inputsOf = ({ fn, a }: CallLine): readonly CallValue[] => {
  if (fn === "proxy_get_property") return [propertyKey(String(a[0]))];
  return fn === "clock_time_get" || fn === "random_get" ? a.slice(0, 1) : a;
};

export class Tape {
  readonly calls: readonly CallLine[];
  #answers: Map<string, CallLine[]> | null = null;

  constructor(calls: readonly CallLine[]) {
    this.calls = calls;
  }

  /** The next recorded call like this one; null when none is left. */
  take(fn: string, args: readonly CallValue[]): CallLine | null {
    if (this.calls.length === 0) return null;
    this.#answers ??= Map.groupBy(this.calls, (call) => key(call.fn, inputsOf(call)));
    return this.#answers.get(key(fn, args))?.shift() ?? null;
  }

  /** The next recorded call that `fits`, whatever was asked. */
  find(fits: (call: CallLine) => boolean): CallLine | null {
    return this.calls.find(fits) ?? null;
  }
}

export const EMPTY_TAPE = new Tape([]);
export const bytesOf = (value: CallValue | undefined): Buffer => Buffer.from(String(value ?? ""), "latin1");

/** What was recorded of a body, filled up to the length it had. */
export function wholeBytes(body: Bytes | undefined): Buffer {
  if (body === undefined) return Buffer.alloc(0);
  const known = Buffer.from(body.x ?? "", "latin1");
  return known.length === body.n ? known : Buffer.concat([known, Buffer.alloc(body.n - known.length, "*")]);
}
