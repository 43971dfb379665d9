// TCP streams (abi.md 3.4, 5.2, 5.4, 9.5, 9.8). The script comes with the configuration: bytes have no header to put it in.
import type { Case, CaseConnection } from "../case.ts";
import { call, on, onNth, out, outText, pairs, ROOT, text } from "../script.ts";
import { LATE_END, TOGETHER } from "./left-out.ts";
import { BAD_ARGUMENT, NOT_FOUND, OK, PAUSE } from "./status.ts";

const MAX = 0xffffffff;
const see = (buffer: number, value: string) =>
  call("proxy_get_buffer_bytes", [buffer, 0, MAX, ...outText()], OK, { texts: { 0: value } });
const set = (buffer: number, value: string) => call("proxy_set_buffer_bytes", [buffer, 0, MAX, text(value)], OK);
const absent = (buffer: number) => call("proxy_get_buffer_bytes", [buffer, 0, MAX, ...outText()], NOT_FOUND);
const ECHO: CaseConnection = { fromClient: ["ping"], fromServer: ["pong"], toServer: "ping", toClient: "pong" };
const tickIn = (ms: number) => call("proxy_set_tick_period_milliseconds", [ms], OK);
const later = (...does: Parameters<typeof on>[1]) =>
  on("tick", [tickIn(0), call("proxy_set_effective_context", [["stream"]], OK), ...does]);

const tcp = (id: string, section: string, title: string, more: Pick<Case, "script"> & Partial<Case>) =>
  ({
    id: `tcp-${id}`,
    section,
    title,
    request: null,
    delivery: "configuration",
    guests: ["wat", "c"],
    connection: ECHO,
    ...more,
  }) satisfies Case;

export const TCP_CASES: readonly Case[] = [
  tcp("pass", "3.4", "a connection passes, with its callbacks", {
    script: [on("new_connection", []), on("downstream_data", [see(2, "ping")]), on("upstream_data", [see(3, "pong")])],
    expect: { args: { downstream_data: [4, null], upstream_data: [4, null] } },
  }),
  tcp("end-order", "9.8", "a connection ends with done, log, delete", {
    script: [on("done", []), on("log", []), on("delete", [])],
    expect: {
      order: [
        "initialize",
        "root_create",
        "vm_start",
        "validate",
        "configure",
        "context_create",
        "new_connection",
        "downstream_data",
        "upstream_data",
        "downstream_close",
        "upstream_close",
        "done",
        "log",
        "delete",
        "root_done",
        "root_delete",
      ],
    },
  }),
  tcp("no-maps", "5.3", "a connection has no header maps", {
    script: [
      on("new_connection", [
        call("proxy_get_header_map_value", [0, text("x"), ...outText()], BAD_ARGUMENT),
        call("proxy_add_header_map_value", [2, text("x"), text("1")], BAD_ARGUMENT),
        call("proxy_get_header_map_pairs", [0, ...outText()], OK, { texts: { 0: "" } }),
        call("proxy_send_local_response", [200, text("d"), text("b"), pairs(), -1], OK),
      ]),
    ],
  }),
  tcp("buffers", "5.2", "data is there in its own callback only", {
    script: [
      on("new_connection", [absent(2), absent(3), absent(0)]),
      on("downstream_data", [see(2, "ping"), absent(3), absent(0), absent(1)]),
      on("upstream_data", [see(3, "pong"), absent(2)]),
    ],
  }),
  tcp("edit", "5.2", "data is edited on its way", {
    script: [onNth("downstream_data", 1, [set(2, "PING")]), onNth("upstream_data", 1, [set(3, "PONG!")])],
    connection: { ...ECHO, toServer: "PING", toClient: "PONG!" },
  }),
  tcp("pause-connection", "9.5", "a paused connection is held until continue DOWNSTREAM", {
    script: [
      on("new_connection", [tickIn(10)], PAUSE),
      later(call("proxy_continue_stream", [2], OK)),
      on("downstream_data", [see(2, "ping")]),
    ],
    until: "tick",
  }),
  tcp("pause-data", "9.5", "paused data callbacks get the cumulative buffer", {
    leftOut: TOGETHER,
    script: [onNth("downstream_data", 1, [see(2, "one")], PAUSE), onNth("downstream_data", 2, [see(2, "onetwo")])],
    connection: { fromClient: ["one", "two"], fromServer: [], toServer: "onetwo", toClient: "" },
  }),
  tcp("resume-upstream", "5.4", "a paused upstream direction is resumed by continue UPSTREAM", {
    leftOut: LATE_END,
    script: [
      onNth("upstream_data", 1, [tickIn(10)], PAUSE),
      later(see(3, "pong"), call("proxy_continue_stream", [3], OK)),
    ],
    until: "tick",
  }),
  ...[2, 3, 9, -1, -2].map((result) =>
    tcp(`result-${result}`, "4", `any result but 0 stops (${result})`, {
      leftOut: LATE_END,
      script: [onNth("downstream_data", 1, [tickIn(10)], result), later(call("proxy_continue_stream", [2], OK))],
      until: "tick",
    }),
  ),
  tcp("close-downstream", "5.4", "close DOWNSTREAM closes after pending writes", {
    script: [onNth("upstream_data", 1, [call("proxy_close_stream", [2], OK)])],
    expect: { details: "wasm_downstream_close" },
  }),
  tcp("close-upstream", "5.4", "close UPSTREAM closes the server's side", {
    script: [onNth("downstream_data", 1, [call("proxy_close_stream", [3], OK)])],
    connection: { fromClient: ["ping"], fromServer: [], toServer: "ping", toClient: "" },
    expect: { details: "wasm_upstream_close" },
  }),
  tcp("peer", "3.4", "a close says who closed", {
    script: [on("downstream_close", [])],
    expect: { args: { downstream_close: [2] } },
  }),
  tcp("properties", "10.1", "addresses are known, requests are not", {
    script: [
      on("new_connection", [
        call("proxy_get_property", [text("source\0address"), ...outText()], OK, { texts: { 0: null } }),
        call("proxy_get_property", [text("request\0path"), ...outText()], NOT_FOUND),
        call("proxy_set_property", [text("mine"), text("v")], OK),
        call("proxy_get_property", [text("mine"), ...outText()], OK, { texts: { 0: "v" } }),
      ]),
    ],
  }),
  tcp("other-context", "8.3", "data belongs to the connection, not to the plugin context", {
    script: [
      on("downstream_data", [
        call("proxy_set_effective_context", [ROOT], OK),
        absent(2),
        call("proxy_get_buffer_status", [2, out(), out(4)], NOT_FOUND),
      ]),
    ],
  }),
];
