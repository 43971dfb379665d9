// What happens to a stream (abi.md 5.4) and the flow rules (9).
import type { Case } from "../case.ts";
import type { CallbackName } from "../functions.ts";
import { call, hex, NOTHING, on, onNth, out, outText, pairs, text, type Arg } from "../script.ts";
import { HALF_MESSAGE, LATE_END, notOverHttp2, onlyOverHttp2, onlySockets, VIRTUAL_TIME } from "./left-out.ts";
import { BAD_ARGUMENT, NOT_FOUND, OK, PARSE_FAILURE, PAUSE } from "./status.ts";

const LATE = "the end of a body comes after its last piece";
const IN_PIECES = onlySockets("there is no client that announces a length");
const MAX = 0xffffffff;
const set = (buffer: number, value: string) => call("proxy_set_buffer_bytes", [buffer, 0, MAX, text(value)], OK);
const see = (buffer: number, value: string) =>
  call("proxy_get_buffer_bytes", [buffer, 0, MAX, ...outText()], OK, { texts: { 0: value } });
const go = (stream: number) => call("proxy_continue_stream", [stream], OK);
const tickIn = (ms: number) => call("proxy_set_tick_period_milliseconds", [ms], OK);
/** A tick that acts on the newest stream, once. */
const later = (...does: Parameters<typeof on>[1]) =>
  on("tick", [tickIn(0), call("proxy_set_effective_context", [["stream"]], OK), ...does]);
const reply = (code: number, details: string, body: string, headers: Arg = pairs(), grpc = -1, gives = OK) =>
  call("proxy_send_local_response", [code, text(details), text(body), headers, grpc], gives);
const foreign = (name: string, args = "") =>
  call("proxy_call_foreign_function", [text(name), hex(args), ...outText()], OK, { texts: { 0: "" } });

const THREE = { method: "POST", chunks: ["aa", "bb", "cc"] } as const;
const tail: readonly CallbackName[] = ["log", "done", "delete", "root_done", "root_delete"];
const head: readonly CallbackName[] = [
  "initialize",
  "root_create",
  "vm_start",
  "validate",
  "configure",
  "context_create",
];
const order = (...between: CallbackName[]): readonly CallbackName[] => [...head, ...between, ...tail];

const STREAM_CASES_OF_54: readonly Case[] = [
  {
    id: "continue-unknown",
    section: "5.4",
    title: "unknown stream types are BAD_ARGUMENT",
    script: [
      on(
        "request_headers",
        [4, 5, 0x80000000, MAX].flatMap((type) => [
          call("proxy_continue_stream", [type], BAD_ARGUMENT),
          call("proxy_close_stream", [type], BAD_ARGUMENT),
        ]),
      ),
    ],
    expect: { response: { status: 200 } },
  },
  {
    id: "continue-nothing-paused",
    section: "5.4",
    title: "continue is OK when nothing is paused, for every stream type",
    script: [on("request_headers", [go(0), go(1), go(2), go(3)])],
    expect: { response: { status: 200 } },
  },
  {
    id: "close-request",
    section: "5.4",
    title: "close_stream resets the exchange",
    script: [on("request_headers", [call("proxy_close_stream", [0], OK)], PAUSE), on("log", [])],
    expect: { upstream: null, details: "wasm_close_stream" },
  },
  {
    id: "close-response",
    section: "5.4",
    title: "close_stream of the response resets the exchange",
    script: [on("response_headers", [call("proxy_close_stream", [1], OK)]), on("log", [])],
    expect: { details: "wasm_close_stream" },
  },
  {
    id: "reply",
    section: "5.4",
    title: "a local response answers the client; the upstream sees nothing",
    script: [on("request_headers", [reply(403, "not today", "no", pairs(["x-why", "rules"]))], PAUSE)],
    expect: {
      upstream: null,
      response: { status: 403, body: "no", headers: { "x-why": "rules" } },
      details: "not_today",
    },
  },
  {
    id: "reply-outranks-continue",
    section: "5.4",
    title: "after a local response the callback's result counts as stop",
    script: [on("request_headers", [reply(403, "d", "no")])],
    expect: { upstream: null, response: { status: 403, body: "no" } },
  },
  {
    id: "reply-first-wins",
    section: "9.7",
    title: "of several local responses the first wins",
    script: [on("request_headers", [reply(401, "one", "first"), reply(402, "two", "second")])],
    expect: { response: { status: 401, body: "first" } },
  },
  {
    id: "reply-passes-response-callbacks",
    section: "15.13",
    title: "a local response passes the sender's response callbacks",
    script: [
      on("request_headers", [reply(403, "d", "no")], PAUSE),
      on("response_headers", [call("proxy_add_header_map_value", [2, text("x-seen"), text("1")], OK)]),
      on("response_body", [see(1, "no"), set(1, "still no")]),
    ],
    expect: { response: { status: 403, headers: { "x-seen": "1" }, body: "still no" } },
  },
  {
    id: "reply-empty",
    section: "5.4",
    title: "a local response without body",
    script: [
      on("request_headers", [call("proxy_send_local_response", [204, ...NOTHING, ...NOTHING, ...NOTHING, -1], OK)]),
    ],
    expect: { response: { status: 204, body: "" }, args: {} },
  },
  {
    id: "reply-in-response",
    section: "5.4",
    title: "a local response in on_response_headers takes the response's place",
    script: [onNth("response_headers", 1, [reply(502, "bad", "instead")])],
    response: { status: 200, chunks: ["original"] },
    expect: { response: { status: 502, body: "instead" } },
  },
  {
    id: "reply-too-late",
    section: "5.4",
    title: "a local response after the response has left is OK and has no effect",
    script: [on("response_body", [reply(502, "late", "instead")])],
    response: { status: 200, chunks: ["original"] },
    expect: { response: { status: 200 } },
  },
  {
    id: "reply-in-log",
    section: "5.4",
    title: "a local response in on_log is OK and has no effect",
    script: [on("log", [reply(502, "late", "instead")])],
    response: { status: 200, chunks: ["original"] },
    expect: { response: { status: 200, body: "original" } },
  },
  {
    id: "reply-from-plugin-context",
    section: "5.4",
    title: "a local response from the plugin context is OK and has no effect",
    script: [on("configure", [reply(500, "d", "b")]), on("request_headers", [])],
    delivery: "configuration",
    expect: { response: { status: 200 } },
  },
  {
    id: "reply-later",
    section: "5.4",
    title: "a paused stream is answered from a tick",
    script: [on("request_headers", [tickIn(10)], PAUSE), later(reply(429, "d", "slow down"))],
    until: "tick",
    expect: { upstream: null, response: { status: 429, body: "slow down" } },
  },
  {
    id: "reply-bad-code",
    section: "5.4",
    title: "codes outside 200..599 are BAD_ARGUMENT",
    script: [
      on(
        "request_headers",
        [0, 99, 100, 199, 600, 1000, -1].map((code) => reply(code, "d", "b", pairs(), -1, BAD_ARGUMENT)),
      ),
    ],
    expect: { response: { status: 200 } },
  },
  {
    id: "reply-bad-pairs",
    section: "5.4",
    title: "headers that do not decode are refused",
    script: [on("request_headers", [reply(200, "d", "b", hex("010000"), -1, PARSE_FAILURE)])],
    expect: { upstream: {}, response: { status: 200 } },
  },
  {
    id: "reply-grpc",
    section: "5.4",
    title: "a gRPC request is answered with HTTP 200 and grpc-status",
    script: [on("request_headers", [reply(403, "d", "denied", pairs(), 7)])],
    request: { method: "POST", headers: [["content-type", "application/grpc"]], chunks: ["x"] },
    expect: { response: { status: 200, headers: { "grpc-status": "7", "grpc-message": "denied" } } },
  },
  {
    id: "reply-grpc-not-set",
    section: "5.4",
    title: "a grpc_status outside 0..16 means none: it follows from the HTTP status",
    script: [on("request_headers", [reply(401, "d", "", pairs(), 17)])],
    request: { method: "POST", headers: [["content-type", "application/grpc"]], chunks: ["x"] },
    expect: { response: { status: 200, headers: { "grpc-status": "16" } } },
  },
  {
    id: "reply-framing-headers",
    section: "5.4",
    title: "framing in a reply's headers is the host's business",
    script: [
      on("request_headers", [
        reply(200, "d", "four", pairs(["content-length", "99"], ["transfer-encoding", "x"], ["X-Ok", "1"])),
      ]),
    ],
    expect: { response: { status: 200, body: "four", headers: { "x-ok": "1" } } },
  },
];

const PAUSES: readonly Case[] = [
  {
    id: "end-on-headers",
    section: "9.1",
    title: "end_of_stream on headers: no body, no trailers callback",
    script: [],
    expect: {
      order: order("request_headers", "response_headers"),
      args: { request_headers: [null, 1], response_headers: [null, 1] },
    },
  },
  {
    id: "end-on-body",
    leftOut: LATE_END,
    section: "9.1",
    title: "end_of_stream on the last body callback",
    script: [],
    request: { method: "POST", chunks: ["aa"] },
    response: { chunks: ["bb"] },
    expect: {
      order: order("request_headers", "request_body", "response_headers", "response_body"),
      args: { request_headers: [null, 0], request_body: [2, 1], response_body: [2, 1] },
    },
  },
  {
    id: "end-on-trailers",
    section: "9.1",
    title: "with trailers the last body callback is not the end",
    script: [],
    request: { method: "POST", chunks: ["aa"], trailers: [["x-t", "1"]] },
    response: { chunks: ["bb"], trailers: [["x-u", "1"]] },
    expect: {
      order: order(
        "request_headers",
        "request_body",
        "request_trailers",
        "response_headers",
        "response_body",
        "response_trailers",
      ),
      args: { request_body: [2, 0], request_trailers: [1], response_body: [2, 0], response_trailers: [1] },
    },
  },
  {
    id: "pause-headers",
    section: "9.2",
    title: "a pause on headers holds them and stops body callbacks until continue",
    script: [on("request_headers", [tickIn(100)], PAUSE), later(go(0)), on("request_body", [see(0, "aabbcc")])],
    request: THREE,
    until: "tick",
    expect: {
      order: order("request_headers", "tick", "request_body", "response_headers"),
      upstream: { body: "aabbcc" },
    },
  },
  {
    id: "pause-headers-nothing-forwarded",
    clientLeaves: true,
    section: "9.2",
    title: "while headers are paused nothing reaches the upstream",
    script: [on("request_headers", [], PAUSE)],
    request: THREE,
    expect: { upstream: null, order: order("request_headers") },
  },
  {
    id: "pause-and-continue-at-once",
    section: "9.7",
    title: "continue asked for in the callback that pauses runs after it",
    script: [on("request_headers", [go(0)], PAUSE), on("response_headers", [go(1)], PAUSE)],
    expect: { upstream: {}, response: { status: 200 } },
  },
  {
    id: "pause-response-headers",
    section: "9.2",
    title: "a pause on response headers",
    script: [on("response_headers", [tickIn(10)], PAUSE), later(go(1)), on("response_body", [see(1, "answer")])],
    response: { chunks: ["answer"] },
    until: "tick",
    expect: { response: { status: 200, body: "answer" } },
  },
  ...[2, 3, 4, 5, 77, -1].map((result): Case => {
    const passes = result === 2;
    return {
      id: `headers-result-${result}`,
      ...(passes ? { leftOut: VIRTUAL_TIME } : {}),
      section: "4",
      title: passes ? "headers result 2 continues, as in Envoy" : `headers result ${result} stops until continue`,
      script: [
        on("request_headers", [tickIn(100)], result),
        later(go(0)),
        ...(passes ? [] : [on("request_body", [see(0, "aabbcc")])]),
      ],
      request: THREE,
      until: "tick",
      expect: {
        upstream: { body: "aabbcc" },
        order: passes
          ? order("request_headers", "request_body", "request_body", "request_body", "tick", "response_headers")
          : order("request_headers", "tick", "request_body", "response_headers"),
      },
    };
  }),
  {
    id: "headers-result-3-limit",
    section: "9.2",
    title: "headers result 3 buffers up to the limit; over it the request is refused",
    script: [on("request_headers", [], 3)],
    request: { method: "POST", chunks: ["x".repeat(60), "y".repeat(60)] },
    setup: { bufferLimitBytes: 100 },
    expect: { upstream: null, response: { status: 413 }, details: "request_payload_too_large" },
  },
  {
    id: "headers-result-1-limit",
    section: "9.2",
    title: "a plain pause back-pressures at the limit instead",
    script: [on("request_headers", [tickIn(100)], PAUSE), later(go(0))],
    request: { method: "POST", chunks: ["x".repeat(60), "y".repeat(60)] },
    setup: { bufferLimitBytes: 100 },
    until: "tick",
    expect: { upstream: { body: "x".repeat(60) + "y".repeat(60) } },
  },
  {
    id: "hold-headers",
    paced: true,
    section: "9.2",
    title: "sluice.hold_headers before a pause: body callbacks go on, headers wait",
    script: [
      on("request_headers", [foreign("sluice.hold_headers")], PAUSE),
      onNth("request_body", 3, [
        see(0, "aabbcc"),
        call("proxy_add_header_map_value", [0, text("x-length"), text("6")], OK),
      ]),
      onNth("request_body", 1, [], PAUSE),
      onNth("request_body", 2, [], PAUSE),
    ],
    request: THREE,
    expect: { upstream: { body: "aabbcc", headers: { "x-length": "6" } }, args: { request_body: [2, 0] } },
  },
  {
    id: "delay",
    section: "11.2",
    title: "sluice.delay continues a paused stream by itself",
    script: [on("request_headers", [foreign("sluice.delay", "0a000000")], PAUSE)],
    waitMs: 20,
    expect: { upstream: {} },
  },
  {
    id: "pause-body",
    paced: true,
    section: "9.3",
    title: "a paused body is buffered; each callback sees all of it",
    script: [
      onNth("request_body", 1, [see(0, "aa")], PAUSE),
      onNth("request_body", 2, [see(0, "aabb")], PAUSE),
      onNth("request_body", 3, [see(0, "aabbcc")]),
    ],
    request: THREE,
    expect: { upstream: { body: "aabbcc" } },
  },
  {
    id: "pause-body-edited",
    paced: true,
    section: "9.3",
    title: "the edited buffer goes on",
    script: [
      onNth("request_body", 1, [set(0, "AA")], PAUSE),
      onNth("request_body", 2, [see(0, "AAbb"), set(0, "X")], PAUSE),
      onNth("request_body", 3, [see(0, "Xcc"), set(0, "all")]),
    ],
    request: THREE,
    expect: { upstream: { body: "all" } },
  },
  {
    id: "pause-body-to-the-end",
    section: "9.3",
    title: "a body paused at its end waits for continue",
    script: [on("request_body", [tickIn(100)], PAUSE), later(see(0, "aabbcc"), go(0))],
    request: THREE,
    until: "tick",
    expect: { upstream: { body: "aabbcc" } },
  },
  {
    id: "pause-body-on-sockets",
    section: "9.3",
    title: "a body is held until it is whole, then changed",
    script: [on("request_body", [tickIn(100)], PAUSE), later(see(0, "aabbcc"), set(0, "whole"), go(0))],
    request: THREE,
    until: "tick",
    expect: { upstream: { body: "whole" } },
  },
  {
    id: "body-watermark",
    section: "9.3",
    title: "body result 2 buffers without growing past the watermark",
    leftOut: VIRTUAL_TIME,
    script: [
      on("request_headers", [tickIn(10)]),
      on("request_body", [], 2),
      later(see(0, "x".repeat(60) + "y".repeat(60)), go(0)),
    ],
    request: { method: "POST", chunks: ["x".repeat(60), "y".repeat(60)] },
    setup: { bufferLimitBytes: 100 },
    until: "tick",
    expect: { upstream: { body: "x".repeat(60) + "y".repeat(60) } },
  },
  ...[3, 4, 99, -1].map((result): Case => ({
    id: `body-result-${result}`,
    paced: true,
    section: result === 3 ? "9.3" : "4",
    title: `body result ${result}: the chunk stays with the caller, it is neither forwarded nor buffered`,
    script: [
      onNth("request_body", 1, [see(0, "aa")], result),
      onNth("request_body", 2, [see(0, "bb")], result),
      onNth("request_body", 3, [see(0, "cc"), set(0, "end")]),
    ],
    request: THREE,
    expect: { upstream: { body: "end" } },
  })),
  {
    id: "body-no-buffer-keeps-buffer",
    paced: true,
    section: "9.3",
    title: "body result 3 does not drop what was buffered before",
    script: [
      onNth("request_body", 1, [see(0, "aa")], 1),
      onNth("request_body", 2, [see(0, "aabb")], 3),
      onNth("request_body", 3, [see(0, "aacc")]),
    ],
    request: THREE,
    expect: { upstream: { body: "aacc" } },
  },
  {
    id: "buffer-limit-request",
    section: "9.4",
    title: "a buffered request over its limit is answered 413",
    script: [on("request_body", [], PAUSE), on("log", [])],
    request: { method: "POST", chunks: ["x".repeat(60), "y".repeat(60)] },
    setup: { bufferLimitBytes: 100 },
    expect: { response: { status: 413 }, details: "request_payload_too_large" },
  },
  {
    id: "buffer-limit-response",
    section: "9.4",
    title: "a buffered response over its limit, headers held: 500",
    script: [
      onNth("response_headers", 1, [foreign("sluice.hold_headers")], PAUSE),
      onNth("response_body", 1, [], PAUSE),
      onNth("response_body", 2, [], PAUSE),
    ],
    response: { chunks: ["x".repeat(60), "y".repeat(60)] },
    setup: { bufferLimitBytes: 100 },
    expect: { response: { status: 500 }, details: "response_payload_too_large" },
  },
  {
    id: "buffer-limit-response-late",
    section: "9.4",
    title: "a buffered response over its limit, headers gone: reset",
    script: [on("response_body", [], PAUSE)],
    response: { chunks: ["x".repeat(60), "y".repeat(60)] },
    setup: { bufferLimitBytes: 100 },
    expect: { details: "response_payload_too_large" },
  },
  {
    id: "pause-trailers",
    section: "9.5",
    title: "a pause on trailers holds them until continue",
    script: [on("request_trailers", [tickIn(10)], PAUSE), later(go(0))],
    request: { method: "POST", chunks: ["aa"], trailers: [["x-t", "1"]] },
    until: "tick",
    expect: { upstream: { body: "aa", trailers: { "x-t": "1" } } },
  },
  {
    id: "trailers-result-9",
    leftOut: HALF_MESSAGE,
    section: "4",
    title: "an unknown trailers result stops",
    script: [on("request_trailers", [], 9)],
    request: { method: "POST", chunks: ["aa"], trailers: [["x-t", "1"]] },
    expect: { upstream: { trailers: null } },
  },
  {
    id: "pause-body-then-trailers",
    section: "9.5",
    title: "trailers release a body that their callback lets go",
    script: [on("request_body", [], PAUSE), on("request_trailers", [see(0, "aabb")])],
    request: { method: "POST", chunks: ["aa", "bb"], trailers: [["x-t", "1"]] },
    expect: { upstream: { body: "aabb", trailers: { "x-t": "1" } } },
  },
  {
    id: "response-trailers-continue",
    section: "15.3",
    title: "a paused response trailer is resumed by HTTP_RESPONSE",
    script: [on("response_trailers", [tickIn(10)], PAUSE), later(go(0), go(1))],
    request: { headers: [["te", "trailers"]] },
    response: { chunks: ["b"], trailers: [["x-t", "1"]] },
    until: "tick",
    expect: { response: { body: "b", trailers: { "x-t": "1" } } },
  },
  {
    id: "pause-timeout",
    section: "9.6",
    title: "a filter that never continues is answered for after pauseTimeout",
    script: [on("request_headers", [], PAUSE)],
    setup: { pauseTimeoutMs: 500 },
    waitMs: 600,
    expect: { upstream: null, response: { status: 504 }, details: "wasm_pause_timeout" },
  },
  {
    id: "after-reply-no-request-callbacks",
    section: "9.9",
    title: "after a local response no further request callbacks run",
    script: [on("request_headers", [reply(403, "d", "")], PAUSE)],
    request: { ...THREE, trailers: [["x-t", "1"]] },
    expect: { order: order("request_headers", "response_headers"), response: { status: 403 } },
  },
  {
    id: "content-length-recomputed",
    leftOut: notOverHttp2(LATE),
    section: "9.11",
    title: "content-length follows the body while the headers are held",
    script: [
      on("request_headers", [foreign("sluice.hold_headers")], PAUSE),
      onNth("request_body", 1, [set(0, "much longer than before")]),
    ],
    request: { method: "POST", headers: [["content-length", "2"]], chunks: ["aa"] },
    expect: { upstream: { body: "much longer than before", headers: { "content-length": "23" } } },
  },
  {
    id: "content-length-response-recomputed",
    section: "9.11",
    title: "the same for responses",
    leftOut: notOverHttp2(LATE),
    script: [
      on("response_headers", [foreign("sluice.hold_headers")], PAUSE),
      onNth("response_body", 1, [set(1, "longer than before")]),
    ],
    response: { headers: [["content-length", "2"]], chunks: ["aa"] },
    expect: { response: { body: "longer than before", headers: { "content-length": "18" } } },
  },
  {
    id: "content-length-recomputed-late",
    section: "9.11",
    title: "content-length follows a body whose end comes by itself",
    leftOut: onlyOverHttp2("there a body with a length ends with its last piece"),
    script: [
      on("request_headers", [foreign("sluice.hold_headers")], PAUSE),
      onNth("request_body", 1, [set(0, "much longer than before")], PAUSE),
      on("response_headers", [foreign("sluice.hold_headers")], PAUSE),
      onNth("response_body", 1, [set(1, "longer than before")], PAUSE),
    ],
    request: { method: "POST", headers: [["content-length", "2"]], chunks: ["aa"] },
    response: { headers: [["content-length", "2"]], chunks: ["aa"] },
    expect: {
      // Towards an upstream the head leaves before the body is looked at.
      upstream: { body: "much longer than before", absent: ["content-length"] },
      response: { body: "longer than before", headers: { "content-length": "18" } },
    },
  },
  {
    id: "content-length-mismatch",
    section: "9.11",
    title: "a body that no longer fits a length that has left is reset, not sent wrong",
    leftOut: onlyOverHttp2("there the head waits for the first piece of its body"),
    script: [onNth("request_body", 1, [set(0, "much longer")])],
    request: { method: "POST", headers: [["content-length", "2"]], chunks: ["aa"] },
    expect: { upstream: null, response: { status: 500 } },
  },
  {
    id: "content-length-removed",
    section: "9.11",
    title: "a filter that removes content-length may change the body",
    script: [
      on("response_headers", [call("proxy_remove_header_map_value", [2, text("content-length")], OK)]),
      onNth("response_body", 1, [set(1, "another length")]),
    ],
    response: { headers: [["content-length", "2"]], chunks: ["aa"] },
    expect: { response: { status: 200, body: "another length" } },
  },
  {
    id: "content-length-never-wrong",
    leftOut: { ...IN_PIECES, ...notOverHttp2("the head leaves at once, see content-length-mismatch") },
    section: "9.11",
    title: "a body that no longer fits the length its client announced is sent with the true one",
    script: [on("request_body", [set(0, "much longer")])],
    request: { method: "POST", headers: [["content-length", "2"]], chunks: ["aa"] },
    expect: { upstream: { body: "much longer", headers: { "content-length": "11" } } },
  },
];

const CHAIN: readonly Case[] = [
  {
    id: "chain-order",
    section: "9.12",
    title: "request filters run in chain order, response filters in reverse",
    script: [
      on("request_headers", [call("proxy_add_header_map_value", [0, text("x-way"), text("1")], OK)]),
      on("response_headers", [call("proxy_add_header_map_value", [2, text("x-back"), text("1")], OK)]),
    ],
    second: [
      on("request_headers", [call("proxy_add_header_map_value", [0, text("x-way"), text("2")], OK)]),
      on("response_headers", [call("proxy_add_header_map_value", [2, text("x-back"), text("2")], OK)]),
    ],
    delivery: "configuration",
    expect: { upstream: { headers: { "x-way": "1, 2" } }, response: { headers: { "x-back": "2, 1" } } },
  },
  {
    id: "chain-create-late",
    section: "9.10",
    title: "a filter that was not reached and logs gets create, log, done, delete",
    script: [on("request_headers", [reply(403, "d", "")], PAUSE)],
    second: [],
    delivery: "configuration",
    expect: {
      response: { status: 403 },
      second: { order: [...head, ...tail] },
    },
  },
  {
    id: "chain-create-never",
    section: "9.10",
    title: "a filter that was not reached and does not log gets nothing",
    script: [on("request_headers", [reply(403, "d", "")], PAUSE)],
    second: [],
    variant: { without: ["proxy_on_log"] },
    delivery: "configuration",
    expect: {
      response: { status: 403 },
      second: { order: ["initialize", "root_create", "vm_start", "validate", "configure", "root_done", "root_delete"] },
    },
  },
  {
    id: "chain-reply-of-second",
    section: "15.13",
    title: "a reply of the second filter passes the first one's response callbacks",
    script: [on("response_headers", [call("proxy_add_header_map_value", [2, text("x-first"), text("1")], OK)])],
    second: [on("request_headers", [reply(403, "d", "no")], PAUSE), on("response_headers", [])],
    delivery: "configuration",
    expect: { response: { status: 403, headers: { "x-first": "1" }, body: "no" } },
  },
  {
    id: "chain-body-edits",
    section: "9.12",
    title: "the second filter sees the first one's edit",
    script: [onNth("request_body", 1, [set(0, "one")])],
    second: [onNth("request_body", 1, [see(0, "one"), set(0, "two")])],
    request: { method: "POST", chunks: ["zero"] },
    delivery: "configuration",
    expect: { upstream: { body: "two" } },
  },
  {
    id: "chain-trailers-added",
    leftOut: LATE_END,
    section: "5.3",
    title: "trailers added by the first filter end the body for the second",
    script: [on("request_body", [call("proxy_add_header_map_value", [1, text("x-sum"), text("1")], OK)])],
    second: [
      on("request_body", [see(0, "zero")]),
      on("request_trailers", [
        call("proxy_get_header_map_value", [1, text("x-sum"), ...outText()], OK, { texts: { 0: "1" } }),
      ]),
    ],
    request: { method: "POST", chunks: ["zero"] },
    delivery: "configuration",
    expect: {
      upstream: { body: "zero", trailers: { "x-sum": "1" } },
      second: { args: { request_body: [4, 0], request_trailers: [1] } },
    },
  },
  {
    id: "trailing-word",
    section: "5.4",
    title: "old and new names of ABI 0.1.0 work side by side",
    script: [
      on("request_headers", [
        call("proxy_continue_request", [], OK),
        call("proxy_continue_response", [], OK),
        call("proxy_clear_route_cache", [], OK),
      ]),
    ],
    expect: { response: { status: 200 } },
  },
  {
    id: "local-reply-property",
    section: "10.2",
    title: "sluice.local_reply tells replies from upstream answers",
    script: [
      on("response_headers", [
        call("proxy_get_property", [text("sluice\0local_reply"), ...outText()], OK, { texts: { 0: "\0" } }),
      ]),
    ],
  },
  {
    id: "no-buffer-after-forward",
    section: "5.2",
    title: "a body that went on is gone",
    script: [
      on("request_body", []),
      on("response_headers", [
        call("proxy_get_buffer_bytes", [0, 0, 10, ...outText()], NOT_FOUND),
        call("proxy_get_buffer_status", [0, out(), out(4)], NOT_FOUND),
      ]),
    ],
    request: THREE,
  },
];

/** The flow rules are the same for both directions; these are the ones above, for responses. */
const RESPONSES: readonly Case[] = [
  {
    id: "response-pause-body",
    paced: true,
    section: "9.3",
    title: "a paused response body is buffered; each callback sees all of it",
    script: [
      onNth("response_body", 1, [see(1, "aa")], PAUSE),
      onNth("response_body", 2, [see(1, "aabb"), set(1, "X")], PAUSE),
      onNth("response_body", 3, [see(1, "Xcc")]),
    ],
    response: { chunks: ["aa", "bb", "cc"] },
    expect: { response: { body: "Xcc" } },
  },
  {
    id: "response-body-no-buffer",
    paced: true,
    section: "9.3",
    title: "response body result 3: the chunk stays with the caller, what was buffered stays buffered",
    script: [
      onNth("response_body", 1, [see(1, "aa")], PAUSE),
      onNth("response_body", 2, [see(1, "aabb")], 3),
      onNth("response_body", 3, [see(1, "aacc")]),
    ],
    response: { chunks: ["aa", "bb", "cc"] },
    expect: { response: { body: "aacc" } },
  },
  {
    id: "response-hold-headers",
    paced: true,
    section: "9.2",
    title: "held response headers can still be written from the body callback",
    script: [
      on("response_headers", [foreign("sluice.hold_headers")], PAUSE),
      onNth("response_body", 2, [call("proxy_add_header_map_value", [2, text("x-length"), text("4")], OK)]),
      onNth("response_body", 1, [], PAUSE),
    ],
    response: { chunks: ["aa", "bb"] },
    expect: { response: { body: "aabb", headers: { "x-length": "4" } } },
  },
  {
    id: "response-pause-trailers",
    section: "9.5",
    title: "a body paused before its trailers goes on when they do",
    script: [on("response_body", [], PAUSE), on("response_trailers", [see(1, "aabb")])],
    response: { chunks: ["aa", "bb"], trailers: [["x-t", "1"]] },
    expect: { response: { body: "aabb", trailers: { "x-t": "1" } } },
  },
  {
    id: "reply-while-response-paused",
    section: "5.4",
    title: "a paused response can still be replaced",
    script: [onNth("response_headers", 1, [tickIn(10)], PAUSE), later(reply(503, "d", "instead"))],
    response: { status: 200, headers: [["x-from", "upstream"]], chunks: ["original"] },
    until: "tick",
    expect: { response: { status: 503, body: "instead", absent: ["x-from"] } },
  },
  {
    id: "reply-in-request-body",
    section: "5.4",
    title: "a local response in on_request_body, after the headers have left",
    script: [onNth("request_body", 1, [reply(422, "d", "not like this")], PAUSE)],
    request: { method: "POST", chunks: ["aa", "bb"] },
    expect: { response: { status: 422, body: "not like this" } },
  },
  {
    id: "reply-in-request-trailers",
    section: "5.4",
    title: "a local response in on_request_trailers",
    script: [on("request_trailers", [reply(422, "d", "not like this")])],
    request: { method: "POST", chunks: ["aa"], trailers: [["x-t", "1"]] },
    expect: { response: { status: 422, body: "not like this" } },
  },
  {
    id: "reply-outranks-close",
    section: "9.7",
    title: "effects run in the order they were asked for: a reply before a close is sent",
    script: [on("request_headers", [reply(403, "d", "no"), call("proxy_close_stream", [0], OK)])],
    expect: { upstream: null },
  },
  {
    id: "close-from-tick",
    section: "5.4",
    title: "a paused stream is closed from a tick",
    script: [on("request_headers", [tickIn(10)], PAUSE), later(call("proxy_close_stream", [0], OK)), on("log", [])],
    until: "tick",
    expect: { upstream: null, details: "wasm_close_stream" },
  },
  {
    id: "continue-other-direction",
    section: "5.4",
    title: "continuing the response does not continue the request",
    clientLeaves: true,
    script: [on("request_headers", [go(1)], PAUSE)],
    expect: { upstream: null },
  },
  {
    id: "pause-in-both-directions",
    section: "9.2",
    title: "both directions are paused and continued by themselves",
    script: [
      on("request_headers", [tickIn(10)], PAUSE),
      on("response_headers", [tickIn(10)], PAUSE),
      onNth("tick", 1, [tickIn(0), call("proxy_set_effective_context", [["stream"]], OK), go(0)]),
      onNth("tick", 2, [tickIn(0), call("proxy_set_effective_context", [["stream"]], OK), go(1)]),
    ],
    response: { chunks: ["answer"] },
    waitMs: 15,
    expect: { upstream: {}, response: { status: 200, body: "answer" } },
  },
];

export const STREAM_CASES: readonly Case[] = [...STREAM_CASES_OF_54, ...PAUSES, ...RESPONSES, ...CHAIN];
