// Buffers (abi.md 5.2): windows of access, clamping, edits.
import type { Case } from "../case.ts";
import { call, CONTEXT, on, onNth, out, outText, ROOT, text } from "../script.ts";
import { BAD_ARGUMENT, NOT_FOUND, OK, PAUSE } from "./status.ts";

const MAX = 0xffffffff;
const BODY = { method: "POST", chunks: ["hello world"] } as const;
const get = (buffer: number, start: number, max: number, value: string) =>
  call("proxy_get_buffer_bytes", [buffer, start, max, ...outText()], OK, { texts: { 0: value } });
const absent = (buffer: number) => call("proxy_get_buffer_bytes", [buffer, 0, MAX, ...outText()], NOT_FOUND);
const set = (start: number, size: number, value: string, gives = OK) =>
  call("proxy_set_buffer_bytes", [0, start, size, text(value)], gives);

const reads: readonly (readonly [id: string, start: number, max: number, value: string])[] = [
  ["whole", 0, MAX, "hello world"],
  ["window", 4, 3, "o w"],
  ["clamped", 6, 100, "world"],
  ["overflowing", 6, MAX, "world"],
  ["nothing", 0, 0, ""],
  ["at-the-end", 11, 5, ""],
  ["past-the-end", 1000, 5, ""],
  ["past-everything", MAX, MAX, ""],
];
const edits: readonly (readonly [id: string, start: number, size: number, value: string, body: string])[] = [
  ["prepend", 0, 0, ">> ", ">> hello world"],
  ["append", MAX, 0, "!", "hello world!"],
  ["append-at-length", 11, 0, "!", "hello world!"],
  ["append-with-size", 11, 99, "!", "hello world!"],
  ["replace-all", 0, MAX, "bye", "bye"],
  ["replace-start", 0, 5, "HELLO", "HELLO world"],
  ["replace-middle", 4, 3, "_", "hell_orld"],
  ["insert", 5, 0, ",", "hello, world"],
  ["delete", 5, 6, "", "hello"],
  ["delete-all", 0, 11, "", ""],
  ["clamp-size", 6, MAX, "all", "hello all"],
];

export const BUFFER_CASES: readonly Case[] = [
  ...reads.map(([id, start, max, value]): Case => ({
    id: `buffer-get-${id}`,
    section: "5.2",
    title: `get_buffer_bytes from ${start}, at most ${max}`,
    script: [on("request_body", [get(0, start, max, value)])],
    request: BODY,
    expect: { args: { request_body: [11] } },
  })),
  ...edits.map(([id, start, size, value, body]): Case => ({
    id: `buffer-set-${id}`,
    section: "5.2",
    title: `set_buffer_bytes ${size} at ${start} by ${JSON.stringify(value)}`,
    script: [onNth("request_body", 1, [set(start, size, value), get(0, 0, MAX, body)])],
    request: BODY,
    expect: { upstream: { body } },
  })),
  {
    id: "buffer-set-twice",
    section: "5.2",
    title: "edits of one callback build on each other",
    script: [onNth("request_body", 1, [set(0, 5, "bye"), set(MAX, 0, "!"), get(0, 0, MAX, "bye world!")])],
    request: BODY,
    expect: { upstream: { body: "bye world!" } },
  },
  {
    id: "buffer-set-response",
    section: "5.2",
    title: "the response body is edited in its callback",
    script: [
      onNth("response_body", 1, [
        get(1, 0, MAX, "answer"),
        call("proxy_set_buffer_bytes", [1, 0, MAX, text("changed")], OK),
        get(1, 0, MAX, "changed"),
      ]),
    ],
    response: { chunks: ["answer"] },
    expect: { response: { body: "changed" }, args: { response_body: [6] } },
  },
  {
    id: "buffer-unknown",
    section: "5.2",
    title: "buffers above 8 are BAD_ARGUMENT everywhere",
    script: [
      on(
        "request_body",
        [9, 100, MAX].flatMap((buffer) => [
          call("proxy_get_buffer_bytes", [buffer, 0, 1, ...outText()], BAD_ARGUMENT),
          call("proxy_get_buffer_status", [buffer, out(), out(4)], BAD_ARGUMENT),
          call("proxy_set_buffer_bytes", [buffer, 0, 0, text("x")], BAD_ARGUMENT),
        ]),
      ),
    ],
    request: BODY,
  },
  ...[4, 5, 6, 7, 8].map((buffer): Case => ({
    id: `buffer-read-only-${buffer}`,
    section: "5.2",
    title: `buffer ${buffer} cannot be written`,
    script: [on("request_body", [call("proxy_set_buffer_bytes", [buffer, 0, 0, text("x")], BAD_ARGUMENT)])],
    request: BODY,
  })),
  {
    id: "buffers-in-request-headers",
    section: "5.2",
    title: "in on_request_headers no body, no data, no answer and no plugin configuration is there",
    script: [
      on("request_headers", [
        ...[0, 1, 2, 3, 4, 5, 7, 8].flatMap((buffer) => [
          absent(buffer),
          call("proxy_get_buffer_status", [buffer, out(), out(4)], NOT_FOUND),
        ]),
        ...[0, 1, 2, 3].map((buffer) => call("proxy_set_buffer_bytes", [buffer, 0, 0, text("x")], NOT_FOUND)),
      ]),
    ],
  },
  {
    id: "buffers-in-request-body",
    section: "5.2",
    title: "in on_request_body only the request body is there",
    script: [on("request_body", [get(0, 0, MAX, "hello world"), ...[1, 2, 3, 4, 5, 7, 8].map(absent)])],
    request: BODY,
  },
  {
    id: "buffers-in-response-body",
    section: "5.2",
    title: "in on_response_body only the response body is there",
    script: [on("response_body", [get(1, 0, MAX, "answer"), ...[0, 2, 3, 4, 5, 7, 8].map(absent)])],
    request: BODY,
    response: { chunks: ["answer"] },
  },
  {
    id: "buffers-in-log",
    section: "5.2",
    title: "in on_log no body is there",
    script: [on("log", [absent(0), absent(1), call("proxy_set_buffer_bytes", [0, 0, 0, text("x")], NOT_FOUND)])],
    request: BODY,
    response: { chunks: ["answer"] },
  },
  {
    id: "buffer-status",
    section: "5.2",
    title: "get_buffer_status gives the size and no flags",
    script: [on("request_body", [call("proxy_get_buffer_status", [0, out(), out(4)], OK, { words: { 0: 11, 4: 0 } })])],
    request: BODY,
  },
  {
    id: "buffer-while-paused",
    section: "5.2",
    title: "a paused body can be read and edited from another callback",
    script: [
      on("request_body", [call("proxy_set_tick_period_milliseconds", [100], OK)], PAUSE),
      on("tick", [
        call("proxy_set_tick_period_milliseconds", [0], OK),
        call("proxy_set_effective_context", [["stream"]], OK),
        get(0, 0, MAX, "hello world"),
        call("proxy_set_buffer_bytes", [0, 0, 5, text("later")], OK),
        call("proxy_continue_stream", [0], OK),
      ]),
    ],
    request: BODY,
    until: "tick",
    expect: { upstream: { body: "later world" } },
  },
  {
    id: "vm-configuration",
    section: "5.2",
    title: "the VM configuration can be read at any time",
    script: [
      on("vm_start", [get(6, 0, MAX, "for the vm"), absent(7)]),
      on("configure", [get(6, 0, MAX, "for the vm")]),
      on("request_headers", [get(6, 4, 3, "the")]),
    ],
    delivery: "environment",
    setup: { vmConfig: "for the vm" },
    expect: { args: { vm_start: [10] } },
  },
  {
    id: "plugin-configuration",
    section: "5.2",
    title: "the plugin configuration can be read while configuring",
    script: [
      on("validate", [call("proxy_get_buffer_bytes", [7, 2, 6, ...outText()], OK, { texts: { 0: "script" } })]),
      on("configure", [
        call("proxy_get_buffer_bytes", [7, 2, 6, ...outText()], OK, { texts: { 0: "script" } }),
        ...[0, 1, 2, 3, 4, 5, 8].map(absent),
      ]),
      on("request_headers", [absent(7)]),
    ],
    delivery: "configuration",
  },
  {
    id: "plugin-configuration-empty",
    section: "5.2",
    title: "no configuration is an empty buffer",
    script: [
      on("vm_start", [get(6, 0, MAX, "")]),
      on("configure", [
        get(7, 0, MAX, ""),
        call("proxy_get_buffer_status", [7, out(), out(4)], OK, { words: { 0: 0, 4: 0 } }),
      ]),
    ],
    delivery: "environment",
    request: null,
    expect: { args: { vm_start: [0], configure: [0] } },
  },
  {
    id: "buffer-other-context",
    section: "5.2",
    title: "the body belongs to the stream, not to the plugin context",
    script: [
      on("request_body", [
        call("proxy_set_effective_context", [ROOT], OK),
        absent(0),
        call("proxy_set_buffer_bytes", [0, 0, 0, text("x")], NOT_FOUND),
        call("proxy_set_effective_context", [CONTEXT], OK),
        get(0, 0, MAX, "hello world"),
      ]),
    ],
    request: BODY,
  },
];
