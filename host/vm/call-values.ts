// One host call exactly: what the guest gave and what it got, as plain values. For recordings (host/replay), where the same
// call must be found again. Bytes are latin1 text, which round-trips; 64-bit numbers are decimal text.
import * as status from "../../sdk/assembly/abi/status.ts";
import { decodePairs } from "../abi/pairs.ts";
import { type Kind, NARROW, SHAPES } from "./call-words.ts";
import type { GuestMemory } from "./memory.ts";
import type { MadeCall } from "./trace.ts";

/** A number, text, or a flat header list. */
export type CallValue = number | string | readonly string[];

export interface CallValues {
  readonly args: readonly CallValue[];
  /** Empty unless the call answered OK, except for foreign functions, which answer with bytes in any case. */
  readonly results: readonly CallValue[];
}

type Exact = Kind | "out64" | "place" | "random";

/** Where words leave something out, or have no shape at all. `place` is an address that means nothing outside the guest. */
const EXACT: Readonly<Record<string, readonly Exact[]>> = {
  // What these give is known already: maps and buffers are recorded with the callback that may read them.
  proxy_get_header_map_pairs: ["map", "place", "place"],
  proxy_get_buffer_bytes: ["buffer", "number", "number", "place", "place"],
  proxy_get_current_time_nanoseconds: ["out64"],
  proxy_get_status: ["out", "outText"],
  proxy_get_metric: ["number", "out64"],
  proxy_register_shared_queue: ["text", "out"],
  proxy_resolve_shared_queue: ["text", "text", "out"],
  proxy_enqueue_shared_queue: ["number", "bytes"],
  proxy_dequeue_shared_queue: ["number", "outContent"],
  clock_time_get: ["number", "place", "out64"],
  random_get: ["random"],
  fd_write: ["number", "place", "number", "place"],
  environ_get: ["place", "place"],
  environ_sizes_get: ["out", "out"],
  abort: ["place", "place", "number", "number"],
};
const WIDE_ONE: ReadonlySet<Exact> = new Set<Exact>(["out64", "place"]);

export function callValues({ name, args, status: answer, memory }: MadeCall): CallValues {
  const shape = EXACT[name] ?? SHAPES[name] ?? args.map((): Exact => "number");
  const given: CallValue[] = [];
  const got: CallValue[] = [];
  const answered = answer === status.OK || name === "proxy_call_foreign_function";
  let at = 0;
  for (const kind of shape) {
    const isNarrow = WIDE_ONE.has(kind) || NARROW.has(kind as Kind);
    const first = args[at] ?? 0;
    const second = args[at + 1] ?? 0;
    at += isNarrow ? 1 : 2;
    if (kind === "place") continue;
    if (kind === "random") given.push(Number(second));
    if (kind === "random" || kind.startsWith("out")) {
      // A foreign function's caller may want no outputs. To any other call, zero is an address.
      const isUnwanted = name === "proxy_call_foreign_function" && (first === 0 || second === 0);
      if (answered) got.push(isUnwanted ? "" : outputOf(kind, memory, Number(first), Number(second)));
    } else given.push(inputOf(kind as Kind, memory, first, second));
  }
  return { args: given, results: got };
}

function inputOf(kind: Kind, memory: GuestMemory, first: number | bigint, second: number | bigint): CallValue {
  if (NARROW.has(kind)) return typeof first === "bigint" ? String(first) : first;
  const text = memory.text(Number(first), Number(second));
  if (text === null) return "(outside memory)";
  return kind === "pairs" ? (decodePairs(Buffer.from(text, "latin1")) ?? text) : text;
}

function outputOf(kind: Exact, memory: GuestMemory, first: number, second: number): CallValue {
  if (kind === "random") return memory.text(first, second) ?? "";
  if (kind === "out") return memory.u32(first) ?? 0;
  if (kind === "out64") return String((BigInt(memory.u32(first + 4) ?? 0) << 32n) | BigInt(memory.u32(first) ?? 0));
  const at = memory.u32(first);
  const length = memory.u32(second);
  return at === null || length === null ? "" : (memory.text(at, length) ?? "");
}
