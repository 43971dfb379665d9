// HTTP call-outs (abi.md 5.5, 15.1).
import type { Case } from "../case.ts";
import { call, hex, NOTHING, on, out, outText, pairs, text, type Arg } from "../script.ts";
import { PEERS_HEADERS } from "./left-out.ts";
import { BAD_ARGUMENT, INTERNAL_FAILURE, NOT_FOUND, OK, PAUSE } from "./status.ts";

const HEADERS = pairs([":method", "GET"], [":path", "/ok"], [":authority", "web"]);
const request = (upstream: Arg, headers: Arg, gives: number, timeoutMs = 1000) =>
  call(
    "proxy_http_call",
    [upstream, headers, ...NOTHING, ...NOTHING, timeoutMs, out()],
    gives,
    // The id is written before sending, to check the memory.
    { words: { 0: gives === OK ? null : 0 } },
  );
const OK_ANSWER = { "/ok": { status: 200, headers: [["x-a", "1"]], chunks: ["answer"], trailers: [] } } as const;

const bad = (id: string, title: string, upstream: Arg, headers: Arg, timeoutMs?: number): Case => ({
  id: `call-${id}`,
  section: "5.5",
  title,
  script: [on("request_headers", [request(upstream, headers, BAD_ARGUMENT, timeoutMs)])],
  callouts: OK_ANSWER,
});

export const CALLOUT_CASES: readonly Case[] = [
  bad("unknown-upstream", "an unknown cluster", text("nobody"), HEADERS),
  bad("empty-upstream", "no cluster name", text(""), HEADERS),
  bad("no-method", "no :method", text("web"), pairs([":path", "/ok"], [":authority", "web"])),
  bad("no-path", "no :path", text("web"), pairs([":method", "GET"], [":authority", "web"])),
  bad("no-authority", "no :authority", text("web"), pairs([":method", "GET"], [":path", "/ok"])),
  bad("no-headers", "no headers at all", text("web"), hex("")),
  bad("negative-timeout", "a negative timeout", text("web"), HEADERS, -1),
  {
    id: "call-forbidden",
    section: "5.5",
    title: "a cluster that allowedUpstreams does not list",
    script: [on("request_headers", [request(text("web"), HEADERS, BAD_ARGUMENT)])],
    callouts: OK_ANSWER,
    setup: { allowedUpstreams: ["other"] },
  },
  {
    id: "call-answer",
    section: "5.5",
    title: "an answer comes with its counts, maps and body, on the plugin context",
    script: [
      on("request_headers", [request(text("web"), HEADERS, OK)], PAUSE),
      on("http_call_response", [
        call("proxy_get_header_map_value", [6, text(":status"), ...outText()], OK, { texts: { 0: "200" } }),
        call("proxy_get_header_map_value", [6, text("x-a"), ...outText()], OK, { texts: { 0: "1" } }),
        call("proxy_get_header_map_value", [6, text("x-none"), ...outText()], NOT_FOUND),
        call("proxy_add_header_map_value", [6, text("x-b"), text("1")], BAD_ARGUMENT),
        call("proxy_get_buffer_bytes", [4, 0, 100, ...outText()], OK, { texts: { 0: "answer" } }),
        call("proxy_get_buffer_bytes", [1, 0, 100, ...outText()], NOT_FOUND),
        call("proxy_get_buffer_status", [4, out(), out(4)], OK, { words: { 0: 6, 4: 0 } }),
        call("proxy_set_buffer_bytes", [4, 0, 0, text("x")], BAD_ARGUMENT),
        call("proxy_set_effective_context", [["stream"]], OK),
        call("proxy_continue_stream", [0], OK),
      ]),
    ],
    callouts: OK_ANSWER,
    until: "http_call_response",
    expect: { response: { status: 200 } },
  },
  {
    id: "call-counts",
    leftOut: PEERS_HEADERS,
    section: "3.5",
    title: "the counts of an answer",
    script: [on("request_headers", [request(text("web"), HEADERS, OK)])],
    callouts: { "/ok": { headers: [["x-a", "1"]], chunks: ["answer"], trailers: [["x-t", "1"]] } },
    until: "http_call_response",
    expect: { args: { http_call_response: [null, 2, 6, 1] } },
  },
  {
    id: "call-trailers",
    section: "5.5",
    title: "trailers of an answer are map 7",
    script: [
      on("request_headers", [request(text("web"), HEADERS, OK)]),
      on("http_call_response", [
        call("proxy_get_header_map_value", [7, text("x-t"), ...outText()], OK, { texts: { 0: "1" } }),
      ]),
    ],
    callouts: { "/ok": { chunks: ["answer"], trailers: [["x-t", "1"]] } },
    until: "http_call_response",
  },
  {
    id: "call-maps-close",
    section: "5.5",
    title: "maps and body of an answer are only there in its callback",
    script: [
      on("request_headers", [
        request(text("web"), HEADERS, OK),
        call("proxy_get_header_map_value", [6, text(":status"), ...outText()], BAD_ARGUMENT),
        call("proxy_get_buffer_bytes", [4, 0, 100, ...outText()], NOT_FOUND),
      ]),
      on("http_call_response", []),
      on("log", [
        call("proxy_get_header_map_value", [6, text(":status"), ...outText()], NOT_FOUND),
        call("proxy_get_buffer_bytes", [4, 0, 100, ...outText()], NOT_FOUND),
      ]),
    ],
    callouts: OK_ANSWER,
    until: "http_call_response",
  },
  {
    id: "call-ids",
    fresh: true,
    section: "5.5",
    title: "ids of HTTP call-outs count by four",
    script: [
      on("request_headers", [
        call("proxy_http_call", [text("web"), HEADERS, ...NOTHING, ...NOTHING, 0, out()], OK, { words: { 0: 4 } }),
        call("proxy_http_call", [text("web"), HEADERS, ...NOTHING, ...NOTHING, 0, out()], OK, { words: { 0: 8 } }),
      ]),
    ],
    callouts: OK_ANSWER,
    until: "http_call_response",
  },
  {
    id: "call-from-tick",
    section: "5.5",
    title: "a call-out can start on the plugin context",
    script: [
      on("request_headers", [call("proxy_set_tick_period_milliseconds", [10], OK)]),
      on("tick", [call("proxy_set_tick_period_milliseconds", [0], OK), request(text("web"), HEADERS, OK)]),
      on("http_call_response", []),
    ],
    callouts: OK_ANSWER,
    until: "http_call_response",
  },
  {
    id: "call-too-many",
    section: "14",
    title: "the 65th call-out of one stream: INTERNAL_FAILURE",
    script: [
      on("request_headers", [
        ...Array.from({ length: 64 }, () => request(text("web"), HEADERS, OK)),
        request(text("web"), HEADERS, INTERNAL_FAILURE),
      ]),
    ],
    callouts: OK_ANSWER,
  },
];
