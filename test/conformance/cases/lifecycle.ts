// Log, time, timer, status, contexts (abi.md 5.1, 8.3), and the order of a context's life (3.2, 9.8, 9.10).
import type { Case } from "../case.ts";
import { call, CONTEXT, NOTHING, on, onNth, out, outText, pairs, ROOT, STREAM, text } from "../script.ts";
import { NO_SUCH_FAILURE, PEERS_HEADERS, VIRTUAL_TIME } from "./left-out.ts";
import { BAD_ARGUMENT, NOT_FOUND, OK, PAUSE } from "./status.ts";

const inRequest = (does: Parameters<typeof on>[1]) => [on("request_headers", does)];
const CALL_OUT = (path: string, timeoutMs = 1000) =>
  call(
    "proxy_http_call",
    [
      text("web"),
      pairs([":method", "GET"], [":path", path], [":authority", "web"]),
      ...NOTHING,
      ...NOTHING,
      timeoutMs,
      out(),
    ],
    OK,
    { words: { 0: null } },
  );

const WHOLE_LIFE = [
  "initialize",
  "root_create",
  "vm_start",
  "validate",
  "configure",
  "context_create",
  "request_headers",
  "response_headers",
  "log",
  "done",
  "delete",
  "root_done",
  "root_delete",
] as const;

export const LIFECYCLE_CASES: readonly Case[] = [
  ...[0, 1, 2, 3, 4, 5].map((level): Case => ({
    id: `log-level-${level}`,
    section: "5.1",
    title: `proxy_log at level ${level}`,
    script: inRequest([call("proxy_log", [level, text(`said at ${level}`)], OK)]),
    // A worker's default level hides the two lowest.
    ...(level < 2 ? {} : { expect: { logged: [[level, `said at ${level}`]] } }),
  })),
  {
    id: "log-unknown-level",
    section: "5.1",
    title: "proxy_log refuses levels above 5",
    script: inRequest([
      call("proxy_log", [6, text("x")], BAD_ARGUMENT),
      call("proxy_log", [0xffffffff, text("x")], BAD_ARGUMENT),
      call("proxy_log", [0x80000000, text("x")], BAD_ARGUMENT),
    ]),
  },
  {
    id: "log-empty",
    section: "5.1",
    title: "proxy_log takes an empty message",
    script: inRequest([call("proxy_log", [2, 0, 0], OK)]),
  },
  {
    id: "get-log-level",
    section: "5.1",
    title: "proxy_get_log_level writes one word",
    script: inRequest([call("proxy_get_log_level", [out()], OK, { words: { 0: null } })]),
  },
  {
    id: "get-time",
    section: "5.1",
    title: "proxy_get_current_time_nanoseconds writes eight bytes, at any alignment",
    script: inRequest([
      call("proxy_get_current_time_nanoseconds", [out()], OK, { words: { 0: null, 4: null } }),
      call("proxy_get_current_time_nanoseconds", [out(12)], OK, { words: { 12: null, 16: null } }),
    ]),
  },
  {
    id: "tick",
    section: "5.1",
    title: "a tick set from a stream runs on the plugin context and stops with period 0",
    script: [
      on("request_headers", [call("proxy_set_tick_period_milliseconds", [10], OK)]),
      on("tick", [call("proxy_set_tick_period_milliseconds", [0], OK)]),
    ],
    until: "tick",
  },
  {
    id: "tick-twice",
    section: "5.1",
    title: "a second period replaces the first",
    script: [
      on("request_headers", [
        call("proxy_set_tick_period_milliseconds", [3_600_000], OK),
        call("proxy_set_tick_period_milliseconds", [10], OK),
      ]),
      on("tick", [call("proxy_set_tick_period_milliseconds", [0], OK)]),
    ],
    until: "tick",
  },
  {
    id: "tick-disabled",
    section: "5.1",
    title: "period 0 before the first tick: none comes",
    script: inRequest([
      call("proxy_set_tick_period_milliseconds", [10], OK),
      call("proxy_set_tick_period_milliseconds", [0], OK),
    ]),
    waitMs: 100,
    expect: { order: WHOLE_LIFE },
  },
  {
    id: "tick-no-catch-up",
    leftOut: VIRTUAL_TIME,
    section: "5.1",
    title: "ticks are armed anew after each run",
    script: [
      on("request_headers", [call("proxy_set_tick_period_milliseconds", [10], OK)]),
      onNth("tick", 1, []),
      onNth("tick", 2, [call("proxy_set_tick_period_milliseconds", [0], OK)]),
    ],
    waitMs: 100,
    expect: {
      order: [
        ...WHOLE_LIFE.slice(0, 7),
        "tick",
        "tick",
        "response_headers",
        "log",
        "done",
        "delete",
        "root_done",
        "root_delete",
      ],
    },
  },
  {
    id: "get-status-outside",
    section: "5.1",
    title: "proxy_get_status outside of an answer is 0 and empty",
    script: inRequest([call("proxy_get_status", [out(16), ...outText()], OK, { words: { 16: 0 }, texts: { 0: "" } })]),
  },
  {
    id: "get-status-of-success",
    section: "5.1",
    title: "proxy_get_status while a good answer is read is 0 and empty",
    script: [
      on("request_headers", [CALL_OUT("/ok")]),
      on("http_call_response", [
        call("proxy_get_status", [out(16), ...outText()], OK, { words: { 16: 0 }, texts: { 0: "" } }),
      ]),
    ],
    callouts: { "/ok": {} },
    until: "http_call_response",
  },
  ...(["timeout", "connect_failure", "reset", "response_too_large", "no_healthy_upstream", "overflow"] as const).map(
    (reason): Case => ({
      id: `get-status-${reason}`,
      section: "5.1",
      title: `a call-out that failed with ${reason} has status 11 and says so`,
      script: [
        on("request_headers", [CALL_OUT("/fails")]),
        on("http_call_response", [
          call("proxy_get_status", [out(16), ...outText()], OK, { words: { 16: 11 }, texts: { 0: reason } }),
          call("proxy_get_header_map_pairs", [6, ...outText()], OK, { texts: { 0: "" } }),
          call("proxy_get_buffer_bytes", [4, 0, 100, ...outText()], NOT_FOUND),
        ]),
      ],
      callouts: { "/fails": reason },
      ...(reason === "timeout" || reason === "reset" ? {} : { leftOut: NO_SUCH_FAILURE }),
      until: "http_call_response",
      expect: { args: { http_call_response: [null, 0, 0, 0] } },
    }),
  ),
  {
    id: "done-not-pending",
    section: "5.1",
    title: "proxy_done of a context that is not pending is NOT_FOUND",
    script: [
      on("request_headers", [call("proxy_done", [], NOT_FOUND)]),
      on("log", [call("proxy_done", [], NOT_FOUND)]),
      on("done", [call("proxy_done", [], NOT_FOUND)]),
    ],
  },
  {
    id: "done-deadline",
    section: "9.8",
    title: "a plugin context whose on_done says false is deleted at the deadline",
    script: [on("root_done", [], 0)],
    delivery: "configuration",
    request: null,
    expect: { order: ["initialize", "root_create", "vm_start", "validate", "configure", "root_done", "root_delete"] },
  },
  {
    id: "stream-done-false",
    section: "9.8",
    title: "the result of on_done is ignored for streams",
    script: [on("done", [], 0)],
    expect: { order: WHOLE_LIFE },
  },
  {
    id: "whole-life",
    leftOut: PEERS_HEADERS,
    section: "3.2",
    title: "a plugin context and one exchange, from start to end",
    script: [],
    expect: {
      order: WHOLE_LIFE,
      args: {
        root_create: [0],
        vm_start: [0],
        configure: [0],
        context_create: [1],
        request_headers: [5, 1],
        response_headers: [1, 1],
      },
    },
  },
  {
    id: "stream-life",
    section: "9.8",
    title: "an exchange ends with log, done, delete",
    script: [on("request_headers", []), on("log", []), on("done", []), on("delete", [])],
  },
  {
    id: "configure-refused",
    section: "3.2",
    title: "on_configure that says false refuses the plugin",
    script: [on("configure", [], 0)],
    delivery: "configuration",
    request: null,
    expect: { refused: "refused the configuration" },
  },
  {
    id: "validate-refused",
    section: "3.2",
    title: "proxy_validate_configuration that says false refuses the plugin",
    script: [on("validate", [], 0)],
    delivery: "configuration",
    request: null,
    expect: { refused: "refused the configuration" },
  },
  {
    id: "vm-start-refused",
    section: "3.2",
    title: "on_vm_start that says false refuses the VM",
    script: [on("vm_start", [], 0)],
    delivery: "environment",
    request: null,
    expect: { refused: "refused" },
  },
  ...([2, -1, -2, 0x7fffffff] as const).map((result): Case => ({
    id: `bool-${result}`,
    section: "3.2",
    title: `vm_start, validate, configure: ${result} is true`,
    script: [
      on("vm_start", [], result),
      on("validate", [], result),
      on("configure", [], result),
      on("request_headers", []),
    ],
    delivery: "environment",
    expect: { response: { status: 200 } },
  })),
  {
    id: "callbacks-missing",
    section: "3",
    title: "callbacks that are not exported count as true and as CONTINUE",
    script: [],
    variant: {
      without: [
        "proxy_on_vm_start",
        "proxy_validate_configuration",
        "proxy_on_configure",
        "proxy_on_request_headers",
        "proxy_on_response_headers",
        "proxy_on_log",
        "proxy_on_done",
        "proxy_on_delete",
      ],
    },
    expect: { order: ["initialize", "root_create", "context_create"], response: { status: 200 } },
  },
  {
    id: "effective-context-known",
    section: "5.1",
    title: "proxy_set_effective_context takes the stream and the plugin context",
    script: inRequest([
      call("proxy_set_effective_context", [ROOT], OK),
      call("proxy_set_effective_context", [CONTEXT], OK),
    ]),
  },
  {
    id: "effective-context-unknown",
    section: "5.1",
    title: "proxy_set_effective_context of an id that lives nowhere",
    script: inRequest(
      [0, 424_242, 0x7fffffff, 0x80000000, 0xffffffff].map((id) =>
        call("proxy_set_effective_context", [id], BAD_ARGUMENT),
      ),
    ),
  },
  {
    id: "effective-context-dead",
    section: "8.3",
    title: "a stream that ended cannot be switched to",
    script: [
      on("request_headers", [call("proxy_set_tick_period_milliseconds", [20], OK)]),
      on("tick", [
        call("proxy_set_tick_period_milliseconds", [0], OK),
        call("proxy_set_effective_context", [STREAM], [OK, BAD_ARGUMENT]),
      ]),
    ],
    until: "tick",
  },
  {
    id: "effective-context-of-plugin",
    section: "8.3",
    title: "on the plugin context there are no header maps; back on the stream there are",
    script: inRequest([
      call("proxy_set_effective_context", [ROOT], OK),
      call("proxy_get_header_map_value", [0, text(":path"), ...outText()], BAD_ARGUMENT),
      call("proxy_add_header_map_value", [0, text("x-a"), text("1")], BAD_ARGUMENT),
      call("proxy_set_effective_context", [STREAM], OK),
      call("proxy_get_header_map_value", [0, text(":path"), ...outText()], OK, { texts: { 0: "/" } }),
    ]),
    expect: { upstream: { absent: ["x-a"] } },
  },
  {
    id: "effective-context-restored",
    section: "8.3",
    title: "the next callback acts on its own context again",
    script: [
      on("request_headers", [call("proxy_set_effective_context", [ROOT], OK)]),
      on("response_headers", [
        call("proxy_get_header_map_value", [0, text(":path"), ...outText()], OK, { texts: { 0: "/" } }),
      ]),
    ],
  },
  {
    id: "effective-context-continues-stream",
    section: "8.3",
    title: "an answer to a call-out continues a paused stream after switching to it",
    script: [
      on("request_headers", [CALL_OUT("/ok")], PAUSE),
      on("http_call_response", [
        call("proxy_set_effective_context", [STREAM], OK),
        call("proxy_add_header_map_value", [0, text("x-late"), text("yes")], OK),
        call("proxy_continue_stream", [0], OK),
      ]),
    ],
    callouts: { "/ok": {} },
    until: "http_call_response",
    expect: { upstream: { headers: { "x-late": "yes" } }, response: { status: 200 } },
  },
  {
    id: "continue-from-plugin-context",
    section: "8.3",
    title: "continue_stream on the plugin context acts on nothing",
    clientLeaves: true,
    script: [
      on("request_headers", [CALL_OUT("/ok")], PAUSE),
      on("http_call_response", [call("proxy_continue_stream", [0], OK)]),
    ],
    callouts: { "/ok": {} },
    until: "http_call_response",
    expect: { upstream: null },
  },
  {
    id: "callout-data-after-switch",
    section: "8.3",
    title: "maps, body and status of an answer stay readable after the switch",
    script: [
      on("request_headers", [CALL_OUT("/ok")], PAUSE),
      on("http_call_response", [
        call("proxy_set_effective_context", [STREAM], OK),
        call("proxy_get_header_map_value", [6, text("x-answer"), ...outText()], OK, { texts: { 0: "here" } }),
        call("proxy_get_buffer_bytes", [4, 0, 100, ...outText()], OK, { texts: { 0: "body" } }),
        call("proxy_get_status", [out(16), ...outText()], OK, { words: { 16: 0 }, texts: { 0: "" } }),
        call("proxy_continue_stream", [0], OK),
      ]),
    ],
    callouts: { "/ok": { headers: [["x-answer", "here"]], chunks: ["body"] } },
    until: "http_call_response",
  },
];
