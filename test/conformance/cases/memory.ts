// Generated: for each host function one call that succeeds, then the same call with every pointer and length out of range
// and every enum out of range, with the exact status of the order of checks (abi.md 5): enum, inputs, meaning, outputs.
// A refused call writes nothing (except where abi.md says so), and no byte of the guest's guarded area ever changes.
import type { Case, CaseRequest } from "../case.ts";
import { FUNCTIONS, LAST_OF, lettersOf, type CallbackName, type Role } from "../functions.ts";
import { call, end, NOTHING, on, out, outText, pairs, saved, text, type Arg, type Operation } from "../script.ts";
import { BAD_ARGUMENT, IMA } from "./status.ts";

const MAX = 0xffffffff;
const CALL_HEADERS = pairs([":method", "GET"], [":path", "/ok"], [":authority", "web"]);

/** One good call, as script arguments, and where it may be made. */
export interface GoodCall {
  readonly args: readonly Arg[];
  readonly at?: CallbackName;
  /** Calls that must go before. */
  readonly before?: readonly Operation[];
}

const queue = call("proxy_register_shared_queue", [text("memory"), out()], 0, {
  words: { 0: null },
  save: { from: 0, as: 0 },
});
const counter = call("proxy_define_metric", [0, text("memory_counter"), out()], 0, {
  words: { 0: null },
  save: { from: 0, as: 0 },
});
const stored = call("proxy_set_shared_data", [text("memory"), text("v"), 0], 0);
const item = call("proxy_enqueue_shared_queue", [saved(0), text("x")], 0);

export const GOOD_CALLS: Readonly<Record<string, GoodCall>> = {
  proxy_log: { args: [2, text("x")] },
  proxy_get_log_level: { args: [out()] },
  proxy_get_current_time_nanoseconds: { args: [out()] },
  proxy_get_status: { args: [out(16), ...outText()] },
  proxy_get_buffer_bytes: { args: [0, 0, 100, ...outText()], at: "request_body" },
  proxy_get_buffer_status: { args: [0, out(), out(4)], at: "request_body" },
  proxy_set_buffer_bytes: { args: [0, 0, 0, text("x")], at: "request_body" },
  proxy_get_header_map_size: { args: [0, out()] },
  proxy_get_header_map_pairs: { args: [0, ...outText()] },
  proxy_set_header_map_pairs: {
    args: [0, pairs([":method", "GET"], [":scheme", "http"], [":authority", "t"], [":path", "/"])],
  },
  proxy_get_header_map_value: { args: [0, text(":path"), ...outText()] },
  proxy_add_header_map_value: { args: [0, text("x-a"), text("1")] },
  proxy_replace_header_map_value: { args: [0, text("x-a"), text("1")] },
  proxy_remove_header_map_value: { args: [0, text("x-a")] },
  proxy_continue_stream: { args: [0] },
  proxy_close_stream: { args: [0] },
  proxy_send_local_response: { args: [200, text("d"), text("b"), pairs(["x-a", "1"]), -1] },
  proxy_http_call: { args: [text("web"), CALL_HEADERS, text("body"), pairs(["x-t", "1"]), 1000, out()] },
  proxy_get_shared_data: { args: [text("memory"), ...outText(), out(16)], before: [stored] },
  proxy_set_shared_data: { args: [text("memory"), text("v"), 0] },
  proxy_register_shared_queue: { args: [text("memory"), out()] },
  proxy_resolve_shared_queue: { args: [text(""), text("memory"), out()], before: [queue] },
  proxy_enqueue_shared_queue: { args: [saved(0), text("x")], before: [queue] },
  proxy_dequeue_shared_queue: { args: [saved(0), ...outText()], before: [queue, item] },
  proxy_define_metric: { args: [0, text("memory_counter"), out()] },
  proxy_get_metric: { args: [saved(0), out()], before: [counter] },
  proxy_get_property: { args: [text("request\0method"), ...outText()] },
  proxy_set_property: { args: [text("memory"), text("v")] },
  proxy_call_foreign_function: { args: [text("compress"), text("x"), ...outText()] },
  proxy_get_configuration: { args: [...outText()] },
};

interface Slot {
  readonly role: Role;
  /** Index of the argument in the good call; a text argument is one, an outText two. */
  readonly at: number;
}

/** Where each role's arguments stand in the good call. */
function slotsOf(name: string, args: readonly Arg[]): Slot[] {
  const shape = FUNCTIONS.find((one) => one.module === "env" && one.name === name);
  let at = 0;
  return (shape?.roles ?? []).map((role) => {
    const slot = { role, at };
    const first = args[at];
    const holdsTwo = Array.isArray(first) && ["text", "hex", "pairs"].includes(String(first[0]));
    at += holdsTwo ? 1 : lettersOf(role).length;
    return slot;
  });
}

const replaced = (args: readonly Arg[], at: number, ...by: readonly Arg[]): readonly Arg[] => [
  ...args.slice(0, at),
  ...by,
  ...args.slice(at + by.length),
];
/** A text argument is one in the script and two in the call. */
const withInput = (args: readonly Arg[], at: number, pointer: Arg, size: Arg): readonly Arg[] => [
  ...args.slice(0, at),
  pointer,
  size,
  ...args.slice(at + 1),
];

const BAD_INPUTS: readonly (readonly [Arg, number])[] = [
  [end(0), 1],
  [end(-1), 2],
  [end(-4), 8],
  [8, MAX],
  [0, 0x80000000],
  [MAX, 1],
  [0xfffffff0, 0x20],
  [0x80000000, 1],
];
const badOutputs = (bytes: number): readonly Arg[] => [end(0), end(1 - bytes), MAX, 0x80000000, 0xfffffffd];

/** What the good call writes although it is refused: `proxy_http_call` writes 0 to its id first (abi.md 5.5). */
function refusals(name: string, good: GoodCall, slot: Slot): Operation[] {
  const { args } = good;
  if (slot.role === "in")
    return BAD_INPUTS.map(([pointer, size]) => call(name, withInput(args, slot.at, pointer, size), IMA));
  if (slot.role === "outText") {
    return badOutputs(4).flatMap((bad) => [
      call(name, replaced(args, slot.at, bad), IMA),
      call(name, replaced(args, slot.at + 1, bad), IMA),
    ]);
  }
  return badOutputs(slot.role === "out8" ? 8 : 4).map((bad) => call(name, replaced(args, slot.at, bad), IMA));
}

const isPointer = ({ role }: Slot): boolean =>
  role === "in" || role === "outText" || role === "out4" || role === "out8";

function requestFor(at: CallbackName): CaseRequest {
  return at === "request_body" ? { method: "POST", chunks: ["hello"] } : { method: "POST" };
}

function memoryCase(name: string, good: GoodCall, slot: Slot, number: number): Case {
  const at = good.at ?? "request_headers";
  return {
    id: `memory-${name}-${number}`,
    section: "5",
    title: `${name}: argument ${number} (${slot.role}) outside memory`,
    script: [on(at, [...(good.before ?? []), ...refusals(name, good, slot), call("probe_guard", [], 0)])],
    request: requestFor(at),
    callouts: { "/ok": {} },
    expect: { response: { status: 200 } },
  };
}

const BAD_ENUMS = (role: Role): readonly number[] => [(LAST_OF[role] ?? 0) + 1, 100, 0x7fffffff, 0x80000000, MAX];

/** An unknown enum goes before a bad pointer. */
function enumCase(name: string, good: GoodCall, slot: Slot): Case {
  const at = good.at ?? "request_headers";
  const everything = slotsOf(name, good.args).filter(isPointer).toReversed();
  const broken = everything.reduce<readonly Arg[]>((args, { role, at: place }) => {
    if (role === "in") return withInput(args, place, MAX, 8);
    return role === "outText" ? replaced(args, place, MAX, MAX) : replaced(args, place, MAX);
  }, good.args);
  const tries = (args: readonly Arg[]) =>
    BAD_ENUMS(slot.role).map((value) => call(name, replaced(args, slot.at, value), BAD_ARGUMENT));
  return {
    id: `enum-${name}`,
    section: "5",
    title: `${name}: unknown ${slot.role}s are BAD_ARGUMENT, bad pointers or not`,
    script: [
      on(at, [
        ...(good.before ?? []),
        ...tries(good.args),
        ...(everything.length > 0 ? tries(broken) : []),
        call("probe_guard", [], 0),
      ]),
    ],
    request: requestFor(at),
    expect: { response: { status: 200 } },
  };
}

/** The good call itself, so that the others prove something. */
function goodCase(name: string, good: GoodCall): Case {
  const at = good.at ?? "request_headers";
  const slots = slotsOf(name, good.args);
  const writes: Record<number, null> = {};
  const offset = (arg: Arg | undefined): number => (Array.isArray(arg) && arg[0] === "out" ? Number(arg[1]) : 0);
  for (const { role, at: place } of slots) {
    const first = offset(good.args[place]);
    if (role === "out4" || role === "out8" || role === "outText") writes[first] = null;
    if (role === "outText" || role === "out8") writes[first + 4] = null;
  }
  return {
    id: `good-${name}`,
    section: "5",
    title: `${name}: a call in order is OK and writes its outputs`,
    script: [on(at, [...(good.before ?? []), call(name, good.args, 0, { words: writes }), call("probe_guard", [], 0)])],
    request: requestFor(at),
    callouts: { "/ok": {} },
  };
}

const entries = Object.entries(GOOD_CALLS);
export const MEMORY_CASES: readonly Case[] = [
  ...entries.map(([name, good]) => goodCase(name, good)),
  ...entries.flatMap(([name, good]) =>
    slotsOf(name, good.args).flatMap((slot, number) => (isPointer(slot) ? [memoryCase(name, good, slot, number)] : [])),
  ),
  ...entries.flatMap(([name, good]) =>
    slotsOf(name, good.args).flatMap((slot) => (LAST_OF[slot.role] === undefined ? [] : [enumCase(name, good, slot)])),
  ),
  {
    id: "memory-empty-input",
    section: "7",
    title: "an empty input may have any address inside memory",
    script: [
      on("request_headers", [
        call("proxy_log", [2, 0, 0], 0),
        call("proxy_log", [2, 1, 0], 0),
        call("proxy_log", [2, end(0), 0], 0),
        call("proxy_set_shared_data", [1, 0, 1, 0, 0], 0),
        call("proxy_get_shared_data", [...NOTHING, ...outText(), out(16)], 0, {
          texts: { 0: "" },
          words: { 16: null },
        }),
      ]),
    ],
  },
];
