// Generated: calls in phases where they have nothing to act on (abi.md 5). One case per phase, all functions.
import type { Case } from "../case.ts";
import type { CallbackName } from "../functions.ts";
import { call, out, outText, pairs, saved, text, type Arg, type Operation, type Results } from "../script.ts";
import { BAD_ARGUMENT, NOT_FOUND, OK } from "./status.ts";

type Row = readonly [name: string, args: readonly Arg[], gives: number, results?: Results];

const EMPTY: Results = { texts: { 0: "" } };
const WHOLE = pairs([":method", "GET"], [":scheme", "http"], [":authority", "t"], [":path", "/"]);

/** On a plugin context: no maps, no bodies, no stream. */
const ON_PLUGIN: readonly Row[] = [
  ...[0, 1, 2, 3, 4, 5, 6, 7].flatMap((map): Row[] => [
    ["proxy_get_header_map_size", [map, out()], BAD_ARGUMENT],
    ["proxy_get_header_map_pairs", [map, ...outText()], OK, EMPTY],
    ["proxy_get_header_map_value", [map, text("x"), ...outText()], BAD_ARGUMENT],
    ["proxy_add_header_map_value", [map, text("x"), text("1")], BAD_ARGUMENT],
    ["proxy_replace_header_map_value", [map, text("x"), text("1")], BAD_ARGUMENT],
    ["proxy_remove_header_map_value", [map, text("x")], BAD_ARGUMENT],
  ]),
  ["proxy_set_header_map_pairs", [0, WHOLE], BAD_ARGUMENT],
  ...[0, 1, 2, 3, 4, 5, 8].flatMap((buffer): Row[] => [
    ["proxy_get_buffer_bytes", [buffer, 0, 10, ...outText()], NOT_FOUND],
    ["proxy_get_buffer_status", [buffer, out(), out(4)], NOT_FOUND],
  ]),
  ...[0, 1, 2, 3].map((buffer): Row => ["proxy_set_buffer_bytes", [buffer, 0, 0, text("x")], NOT_FOUND]),
  ["proxy_continue_stream", [0], OK],
  ["proxy_continue_stream", [3], OK],
  ["proxy_send_local_response", [200, text("d"), text("b"), pairs(), -1], OK],
  ["proxy_set_property", [text("x"), text("1")], NOT_FOUND],
  ["proxy_get_property", [text("request\0path"), ...outText()], NOT_FOUND],
  ["proxy_get_status", [out(16), ...outText()], OK, { ...EMPTY, words: { 16: 0 } }],
  ["proxy_done", [], NOT_FOUND],
  ["proxy_call_foreign_function", [text("clear_route_cache"), text(""), ...outText()], OK, EMPTY],
  // NOT_FOUND would mean that the host lacks the function (abi.md 11.2).
  ["proxy_call_foreign_function", [text("sluice.hold_headers"), text(""), ...outText()], BAD_ARGUMENT, EMPTY],
];

/** When a stream ends: maps are readable, nothing is writable, no bodies. */
const AT_THE_END: readonly Row[] = [
  ["proxy_get_header_map_value", [0, text(":method"), ...outText()], OK, { texts: { 0: "GET" } }],
  ["proxy_get_header_map_value", [2, text(":status"), ...outText()], OK, { texts: { 0: "200" } }],
  ["proxy_get_header_map_value", [1, text("x"), ...outText()], NOT_FOUND],
  ["proxy_get_header_map_value", [6, text("x"), ...outText()], NOT_FOUND],
  ["proxy_get_header_map_pairs", [1, ...outText()], OK, EMPTY],
  ["proxy_get_header_map_size", [1, out()], BAD_ARGUMENT],
  ...[0, 1, 2, 3].flatMap((map): Row[] => [
    ["proxy_add_header_map_value", [map, text("x"), text("1")], BAD_ARGUMENT],
    ["proxy_replace_header_map_value", [map, text("x"), text("1")], BAD_ARGUMENT],
    ["proxy_remove_header_map_value", [map, text("x")], BAD_ARGUMENT],
    ["proxy_set_header_map_pairs", [map, WHOLE], BAD_ARGUMENT],
  ]),
  ...[0, 1, 2, 3, 4, 5, 7, 8].map((buffer): Row => [
    "proxy_get_buffer_bytes",
    [buffer, 0, 10, ...outText()],
    NOT_FOUND,
  ]),
  ["proxy_continue_stream", [0], OK],
  ["proxy_continue_stream", [1], OK],
  ["proxy_send_local_response", [500, text("d"), text("b"), pairs(), -1], OK],
  ["proxy_done", [], NOT_FOUND],
];

const operations = (rows: readonly Row[]): Operation[] =>
  rows.map(([name, args, gives, results]) => call(name, args, gives, results));

/** Scripts hold some 100 operations: longer tables are cut. */
function cut(rows: readonly Row[]): readonly (readonly Row[])[] {
  const size = 40;
  return Array.from({ length: Math.ceil(rows.length / size) }, (_, at) => rows.slice(at * size, (at + 1) * size));
}

const phase = (at: CallbackName, rows: readonly Row[], more: Partial<Case>): Case[] =>
  cut(rows).map((part, number) => ({
    id: `phase-${at}-${number + 1}`,
    section: "5",
    title: `calls in ${at} that have nothing to act on, part ${number + 1}`,
    script: [{ at, does: operations(part) }],
    ...more,
  }));

const setTick = (ms: number): Operation => call("proxy_set_tick_period_milliseconds", [ms], OK);

/** The same, in a tick and in the answer to a call-out that a stream has caused. */
const inTick = cut(ON_PLUGIN).map((rows, number): Case => ({
  id: `phase-tick-${number + 1}`,
  section: "5",
  title: `calls in tick that have nothing to act on, part ${number + 1}`,
  script: [
    { at: "request_headers", does: [setTick(10)] },
    { at: "tick", does: [setTick(0), ...operations(rows)] },
  ],
  until: "tick",
  expect: { response: { status: 200 } },
}));

const ofQueue = cut(ON_PLUGIN).map((rows, number): Case => ({
  id: `phase-queue-${number + 1}`,
  section: "5",
  title: `calls in queue_ready that have nothing to act on, part ${number + 1}`,
  script: [
    {
      at: "request_headers",
      does: [
        call("proxy_register_shared_queue", [text("phases"), out()], OK, {
          words: { 0: null },
          save: { from: 0, as: 0 },
        }),
        call("proxy_enqueue_shared_queue", [saved(0), text("x")], OK),
      ],
    },
    { at: "queue_ready", does: operations(rows) },
  ],
  until: "queue_ready",
  expect: { response: { status: 200 } },
}));

export const PHASE_CASES: readonly Case[] = [
  ...inTick,
  ...ofQueue,
  ...phase("vm_start", ON_PLUGIN, { delivery: "environment", request: null }),
  ...phase("configure", ON_PLUGIN, { delivery: "configuration", request: null }),
  ...phase("root_done", ON_PLUGIN, { delivery: "configuration", request: null }),
  ...phase("root_create", ON_PLUGIN, { delivery: "environment", request: null }),
  ...phase("log", AT_THE_END, { expect: { response: { status: 200 } } }),
  ...phase("done", AT_THE_END, { expect: { response: { status: 200 } } }),
  ...phase("delete", AT_THE_END, { expect: { response: { status: 200 } } }),
];
