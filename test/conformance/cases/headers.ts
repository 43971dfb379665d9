// Header maps (abi.md 5.3, 6.1).
import type { Case, Fields } from "../case.ts";
import { call, hex, on, onNth, out, outText, pairs, text, type Arg } from "../script.ts";
import { LATE_END, onlySockets, PEERS_HEADERS } from "./left-out.ts";
import { BAD_ARGUMENT, NOT_FOUND, OK, PARSE_FAILURE, PAUSE } from "./status.ts";

const get = (map: number, name: string, value: string) =>
  call("proxy_get_header_map_value", [map, text(name), ...outText()], OK, { texts: { 0: value } });
const absent = (map: number, name: string, gives = NOT_FOUND) =>
  call("proxy_get_header_map_value", [map, text(name), ...outText()], gives);
const add = (map: number, name: string, value: string, gives = OK) =>
  call("proxy_add_header_map_value", [map, text(name), text(value)], gives);
const replace = (map: number, name: string, value: string, gives = OK) =>
  call("proxy_replace_header_map_value", [map, text(name), text(value)], gives);
const remove = (map: number, name: string, gives: number | readonly number[] = OK) =>
  call("proxy_remove_header_map_value", [map, text(name)], gives);
const setPairs = (map: number, given: Arg, gives = OK) => call("proxy_set_header_map_pairs", [map, given], gives);

const LIST: Fields = [
  ["x-one", "1"],
  ["x-list", "a"],
  ["x-list", "b"],
  ["cookie", "k=v"],
  ["cookie", "l=w"],
];
const inRequest = (does: Parameters<typeof on>[1]) => [on("request_headers", does)];
const reading = (id: string, title: string, does: Parameters<typeof on>[1], more: Partial<Case> = {}): Case => ({
  id: `headers-${id}`,
  section: "5.3",
  title,
  script: inRequest(does),
  request: { headers: LIST },
  ...more,
});

const REFUSED_WRITES: readonly (readonly [id: string, name: string, value: string])[] = [
  ["empty-name", "", "x"],
  ["space-in-name", "x y", "x"],
  ["colon-in-name", "x:y", "x"],
  ["newline-in-name", "x\ny", "x"],
  ["control-in-name", "x\u0001", "x"],
  ["cr-in-value", "x-a", "a\rb"],
  ["lf-in-value", "x-a", "a\nb"],
  ["crlf-in-value", "x-a", "a\r\nx-injected: 1"],
  ["nul-in-value", "x-a", "a\0b"],
  ["pseudo-of-responses", ":status", "200"],
  ["pseudo-of-nobody", ":made-up", "x"],
  ["bad-path", ":path", "no slash"],
  ["bad-method", ":method", "GET /"],
  ["empty-method", ":method", ""],
];
const HOP_BY_HOP = ["connection", "transfer-encoding", "keep-alive", "upgrade", "te"];

const word = (value: number): string => {
  const four = Buffer.alloc(4);
  four.writeUInt32LE(value);
  return four.toString("hex");
};
/** The pairs {a: 1} with the count, the sizes and the tail of one's choice. */
const broken = (count: number, sizes: readonly number[], tail: string): Arg =>
  hex([count, ...sizes].map(word).join("") + tail);
const A1 = "61003100";
const BAD_PAIRS: readonly (readonly [id: string, given: Arg])[] = [
  ["two-bytes", hex("0000")],
  ["three-bytes", hex("010000")],
  ["not-empty-byte", hex("01")],
  ["count-without-sizes", broken(1, [], "")],
  ["half-the-sizes", broken(1, [1], "")],
  ["missing-content", broken(1, [1, 1], "")],
  ["missing-last-nul", broken(1, [1, 1], "610031")],
  ["no-nul-after-name", broken(1, [1, 1], "61313100")],
  ["no-nul-after-value", broken(1, [1, 1], "61003131")],
  ["size-too-large", broken(1, [1, 5], A1)],
  ["size-overflow", broken(1, [1, 0xffffffff], A1)],
  ["trailing-byte", broken(1, [1, 1], `${A1}00`)],
  ["count-too-large", broken(1025, [], "00".repeat(1025 * 10))],
  ["count-absurd", broken(0xffffffff, [1, 1], A1)],
  ["zero-with-tail", hex("0000000000")],
];

export const HEADER_CASES: readonly Case[] = [
  reading("get", "a value", [get(0, "x-one", "1")]),
  reading("get-upper-case", "names are compared in lower case", [get(0, "X-One", "1")]),
  reading("get-pseudo", "pseudo headers are in the map", [
    get(0, ":method", "GET"),
    get(0, ":path", "/"),
    get(0, ":scheme", "http"),
  ]),
  reading("get-repeated", "a repeated header is joined", [get(0, "x-list", "a, b")]),
  reading("get-cookie", "cookies are joined by semicolons", [get(0, "cookie", "k=v; l=w")], {}),
  reading("get-absent", "an absent name", [absent(0, "x-none"), absent(0, "")]),
  reading("get-empty-value", "an empty value is OK with nothing", [get(0, "x-empty", "")], {
    request: { headers: [["x-empty", ""]] },
  }),
  reading("get-bytes", "every byte of a value comes through", [get(0, "x-bytes", "\u00e9")], {
    // UTF-8 of é, as two latin1 characters.
    request: { headers: [["x-bytes", "\u00c3\u00a9"]] },
  }),
  {
    id: "headers-set-cookie",
    section: "5.3",
    title: "set-cookie, which cannot be joined, gives the first",
    script: [on("response_headers", [get(2, "set-cookie", "a=1")])],
    response: {
      headers: [
        ["set-cookie", "a=1"],
        ["set-cookie", "b=2"],
      ],
    },
  },
  reading(
    "size",
    "the size of a map is the bytes of its names and values",
    [
      call("proxy_get_header_map_size", [0, out()], OK, {
        words: { 0: ":methodGET:schemehttp:authoritytest:path/x-one1".length },
      }),
    ],
    { request: { headers: [["x-one", "1"]] }, leftOut: PEERS_HEADERS },
  ),
  reading(
    "pairs",
    "pairs keep order and repetition, pseudo headers first",
    [
      call("proxy_get_header_map_pairs", [0, ...outText()], OK, {
        texts: {
          0: Buffer.from(
            `06000000${[7, 3, 7, 4, 10, 4, 5, 1, 6, 1, 6, 1].map(word).join("")}` +
              Buffer.from(":method\0GET\0:scheme\0http\0:authority\0test\0:path\0/\0x-list\0a\0x-list\0b\0").toString(
                "hex",
              ),
            "hex",
          ).toString("latin1"),
        },
      }),
    ],
    {
      request: {
        headers: [
          ["x-list", "a"],
          ["x-list", "b"],
        ],
      },
      leftOut: PEERS_HEADERS,
    },
  ),
  reading("add", "add appends another value", [add(0, "x-one", "2"), get(0, "x-one", "1, 2")], {
    expect: { upstream: { headers: { "x-one": "1, 2" } } },
  }),
  reading("add-new", "add creates", [add(0, "X-New", "n"), get(0, "x-new", "n")], {
    expect: { upstream: { headers: { "x-new": "n" } } },
  }),
  reading("add-pseudo", "adding a pseudo header replaces it", [add(0, ":path", "/other"), get(0, ":path", "/other")]),
  reading("replace", "replace sets, and further ones go", [replace(0, "x-list", "z"), get(0, "x-list", "z")], {
    expect: { upstream: { headers: { "x-list": "z" } } },
  }),
  reading("replace-new", "replace creates", [replace(0, "x-new", "n")], {
    expect: { upstream: { headers: { "x-new": "n" } } },
  }),
  reading("replace-path", "replace changes the path that is sent", [replace(0, ":path", "/moved?x=1")], {
    expect: { upstream: { headers: { ":path": "/moved?x=1" } } },
  }),
  reading("replace-method", "replace changes the method", [replace(0, ":method", "PUT")], {
    expect: { upstream: { headers: { ":method": "PUT" } } },
  }),
  reading("remove", "remove takes every occurrence", [remove(0, "x-list"), absent(0, "x-list")], {
    expect: { upstream: { absent: ["x-list"] } },
  }),
  reading("remove-absent", "removing what is not there is OK", [remove(0, "x-none")]),
  ...[":method", ":path", ":authority", ":scheme"].map((name) =>
    reading(`remove-${name.slice(1)}`, `${name} cannot be removed`, [remove(0, name, BAD_ARGUMENT)]),
  ),
  {
    id: "headers-remove-status",
    section: "5.3",
    title: ":status cannot be removed",
    script: [on("response_headers", [remove(2, ":status", BAD_ARGUMENT)])],
  },
  {
    id: "headers-replace-status",
    section: "5.3",
    title: "the status of a response can be replaced, by a status",
    script: [
      on("response_headers", [
        replace(2, ":status", "abc", BAD_ARGUMENT),
        replace(2, ":status", "99", BAD_ARGUMENT),
        replace(2, ":method", "GET", BAD_ARGUMENT),
        replace(2, ":status", "204"),
      ]),
    ],
    expect: { response: { status: 204 } },
  },
  ...REFUSED_WRITES.map(([id, name, value]) =>
    reading(`refuse-${id}`, `writing ${JSON.stringify(`${name}: ${value}`)} is refused by all three writers`, [
      add(0, name, value, BAD_ARGUMENT),
      replace(0, name, value, BAD_ARGUMENT),
      setPairs(
        0,
        pairs([":method", "GET"], [":path", "/"], [":scheme", "http"], [":authority", "t"], [name, value]),
        BAD_ARGUMENT,
      ),
      get(0, "x-one", "1"),
    ]),
  ),
  ...HOP_BY_HOP.map((name) =>
    reading(
      `ignore-${name}`,
      `${name} is accepted and dropped`,
      [add(0, name, "x"), replace(0, name, "x"), absent(0, name)],
      {},
    ),
  ),
  reading("te-trailers", "te: trailers may be written", [replace(0, "te", "trailers"), get(0, "te", "trailers")]),
  reading(
    "set-pairs",
    "set_header_map_pairs replaces the whole map",
    [
      setPairs(0, pairs([":method", "GET"], [":path", "/p"], [":scheme", "http"], [":authority", "t"], ["X-B", "2"])),
      get(0, "x-b", "2"),
      absent(0, "x-one"),
    ],
    { expect: { upstream: { headers: { "x-b": "2", ":path": "/p" }, absent: ["x-one"] } } },
  ),
  reading("set-pairs-without-pseudo", "a new request map needs its pseudo headers", [
    setPairs(0, pairs(["x-b", "2"]), BAD_ARGUMENT),
    setPairs(0, pairs([":method", "GET"], [":scheme", "http"], [":authority", "t"]), BAD_ARGUMENT),
    setPairs(0, hex(""), BAD_ARGUMENT),
    setPairs(0, hex("00"), BAD_ARGUMENT),
    get(0, "x-one", "1"),
  ]),
  ...BAD_PAIRS.map(([id, given]): Case => ({
    id: `pairs-${id}`,
    section: "6.1",
    title: `pairs that do not decode (${id}) change nothing`,
    script: inRequest([setPairs(0, given, PARSE_FAILURE), get(0, "x-one", "1")]),
    request: { headers: LIST },
  })),
  {
    id: "pairs-empty-forms",
    section: "6.1",
    title: "an empty map is no bytes, one zero byte, or a count of 0",
    script: [
      on("response_trailers", [
        setPairs(3, hex("")),
        call("proxy_get_header_map_pairs", [3, ...outText()], OK, { texts: { 0: "" } }),
        setPairs(3, pairs(["x-t", "1"])),
        setPairs(3, hex("00")),
        call("proxy_get_header_map_pairs", [3, ...outText()], OK, { texts: { 0: "" } }),
        setPairs(3, pairs(["x-t", "1"])),
        setPairs(3, hex("00000000")),
        call("proxy_get_header_map_pairs", [3, ...outText()], OK, { texts: { 0: "" } }),
      ]),
    ],
    response: { chunks: ["b"], trailers: [["x-t", "0"]] },
  },
  ...[8, 9, 0x7fffffff, 0x80000000, 0xffffffff].map((map): Case => ({
    id: `map-unknown-${map}`,
    section: "5.3",
    title: `map ${map} is BAD_ARGUMENT for every function`,
    script: (["request_headers", "log"] as const).map((at) =>
      on(at, [
        call("proxy_get_header_map_size", [map, out()], BAD_ARGUMENT),
        call("proxy_get_header_map_pairs", [map, ...outText()], BAD_ARGUMENT),
        absent(map, "x-one", BAD_ARGUMENT),
        add(map, "x-a", "1", BAD_ARGUMENT),
        replace(map, "x-a", "1", BAD_ARGUMENT),
        remove(map, "x-a", BAD_ARGUMENT),
        setPairs(map, pairs(["x-a", "1"]), BAD_ARGUMENT),
      ]),
    ),
  })),
  ...[1, 2, 3, 4, 5, 6, 7].map((map): Case => ({
    id: `map-unavailable-${map}`,
    section: "5.3",
    title: `map ${map} is not available in on_request_headers`,
    script: inRequest([
      call("proxy_get_header_map_size", [map, out()], BAD_ARGUMENT),
      call("proxy_get_header_map_pairs", [map, ...outText()], OK, { texts: { 0: "" } }),
      absent(map, "x-one", BAD_ARGUMENT),
      add(map, "x-a", "1", BAD_ARGUMENT),
      replace(map, "x-a", "1", BAD_ARGUMENT),
      remove(map, "x-a", BAD_ARGUMENT),
      setPairs(map, pairs(["x-a", "1"]), BAD_ARGUMENT),
    ]),
  })),
  {
    id: "map-absent-in-log",
    section: "5.3",
    title: "in on_log an absent map gives NOT_FOUND for a value",
    script: [on("log", [absent(1, "x"), absent(3, "x"), absent(0, "x-none"), get(0, "x-one", "1")])],
    request: { headers: LIST },
  },
  {
    id: "map-read-only-in-log",
    section: "5.3",
    title: "in on_log maps are readable and nothing is writable",
    script: [
      on("log", [
        get(0, "x-one", "1"),
        get(2, "x-r", "2"),
        add(0, "x-a", "1", BAD_ARGUMENT),
        replace(2, "x-a", "1", BAD_ARGUMENT),
        remove(2, "x-r", BAD_ARGUMENT),
        setPairs(2, pairs([":status", "200"]), BAD_ARGUMENT),
      ]),
    ],
    request: { headers: LIST },
    response: { headers: [["x-r", "2"]] },
  },
  {
    id: "map-forwarded",
    section: "5.3",
    title: "a map that has been forwarded stays readable and is no longer writable",
    script: [
      on("response_headers", [
        get(0, "x-one", "1"),
        add(0, "x-a", "1", BAD_ARGUMENT),
        replace(0, "x-a", "1", BAD_ARGUMENT),
        remove(0, "x-one", BAD_ARGUMENT),
        setPairs(0, pairs([":method", "GET"], [":path", "/p"], [":scheme", "http"], [":authority", "t"]), BAD_ARGUMENT),
      ]),
    ],
    request: { headers: LIST },
  },
  {
    id: "map-while-paused",
    section: "5.3",
    title: "headers are writable while paused",
    script: [
      on("request_headers", [call("proxy_set_tick_period_milliseconds", [10], OK)], PAUSE),
      on("tick", [
        call("proxy_set_tick_period_milliseconds", [0], OK),
        call("proxy_set_effective_context", [["stream"]], OK),
        replace(0, "x-one", "later"),
        call("proxy_continue_stream", [0], OK),
      ]),
    ],
    request: { headers: LIST },
    until: "tick",
    expect: { upstream: { headers: { "x-one": "later" } } },
  },
  {
    id: "response-headers",
    section: "5.3",
    title: "response headers are read and written in their callback",
    script: [
      on("response_headers", [
        get(2, ":status", "201"),
        get(2, "x-r", "1"),
        replace(2, "x-r", "2"),
        add(2, "x-new", "n"),
        remove(2, "x-gone"),
      ]),
    ],
    response: {
      status: 201,
      headers: [
        ["x-r", "1"],
        ["x-gone", "1"],
      ],
    },
    expect: { response: { status: 201, headers: { "x-r": "2", "x-new": "n" }, absent: ["x-gone"] } },
  },
  {
    id: "request-trailers",
    section: "5.3",
    title: "request trailers are read and written in their callback",
    script: [
      on("request_trailers", [
        get(1, "x-t", "1"),
        replace(1, "x-t", "2"),
        add(1, "x-u", "3"),
        replace(1, ":path", "/", BAD_ARGUMENT),
      ]),
    ],
    request: { method: "POST", chunks: ["b"], trailers: [["x-t", "1"]] },
    expect: { upstream: { body: "b", trailers: { "x-t": "2", "x-u": "3" } }, args: { request_trailers: [1] } },
  },
  {
    id: "response-trailers",
    section: "5.3",
    title: "response trailers are read and written in their callback",
    script: [on("response_trailers", [get(3, "x-t", "1"), replace(3, "x-t", "2"), add(3, "x-u", "3")])],
    request: { headers: [["te", "trailers"]] },
    response: { chunks: ["b"], trailers: [["x-t", "1"]] },
    expect: { response: { body: "b", trailers: { "x-t": "2", "x-u": "3" } }, args: { response_trailers: [1] } },
  },
  {
    id: "trailers-added-to-request",
    leftOut: LATE_END,
    section: "5.3",
    title: "trailers can be added in the last body callback",
    script: [on("request_body", [add(1, "x-sum", "42"), get(1, "x-sum", "42")])],
    request: { method: "POST", chunks: ["body"] },
    expect: { upstream: { body: "body", trailers: { "x-sum": "42" } } },
  },
  {
    id: "trailers-added-to-response",
    leftOut: LATE_END,
    section: "5.3",
    title: "trailers can be added in the last body callback of a response",
    script: [on("response_body", [replace(3, "x-sum", "42"), setPairs(3, pairs(["x-sum", "43"], ["x-b", "1"]))])],
    request: { headers: [["te", "trailers"]] },
    response: { chunks: ["body"] },
    expect: { response: { body: "body", trailers: { "x-sum": "43", "x-b": "1" } } },
  },
  {
    id: "trailers-added-on-sockets",
    leftOut: onlySockets("the last piece of a body is known to be the last"),
    section: "5.3",
    title: "trailers added at the end of both bodies arrive",
    script: [
      // The end of a chunked body comes by itself.
      onNth("request_body", 2, [add(1, "x-sum", "42")]),
      onNth("response_body", 2, [add(3, "x-sum", "43")]),
    ],
    request: { method: "POST", headers: [["te", "trailers"]], chunks: ["body"] },
    response: { chunks: ["answer"] },
    expect: {
      upstream: { body: "body", trailers: { "x-sum": "42" } },
      response: { body: "answer", trailers: { "x-sum": "43" } },
    },
  },
  {
    id: "trailers-forwarded",
    section: "5.3",
    title: "trailers that have been forwarded are readable and no longer writable",
    script: [
      on("response_headers", [get(1, "x-t", "1"), add(1, "x-u", "1", BAD_ARGUMENT), remove(1, "x-t", BAD_ARGUMENT)]),
    ],
    request: { method: "POST", chunks: ["b"], trailers: [["x-t", "1"]] },
    expect: { upstream: { trailers: { "x-t": "1" } } },
  },
  {
    id: "trailers-added-while-paused",
    leftOut: LATE_END,
    section: "5.3",
    title: "trailers added in a last body callback that pauses follow the body",
    script: [
      on("request_headers", [call("proxy_set_tick_period_milliseconds", [10], OK)]),
      on("request_body", [add(1, "x-sum", "42")], PAUSE),
      on("tick", [
        call("proxy_set_tick_period_milliseconds", [0], OK),
        call("proxy_set_effective_context", [["stream"]], OK),
        call("proxy_continue_stream", [0], OK),
      ]),
    ],
    request: { method: "POST", chunks: ["body"] },
    until: "tick",
    expect: { upstream: { body: "body", trailers: { "x-sum": "42" } } },
  },
  {
    id: "trailers-not-before-the-end",
    section: "5.3",
    title: "trailers cannot be added while more body is to come",
    script: [onNth("request_body", 1, [add(1, "x-sum", "42", BAD_ARGUMENT)])],
    request: { method: "POST", chunks: ["one", "two"] },
    expect: { upstream: { body: "onetwo", trailers: null } },
  },
  {
    id: "trailers-not-by-reading",
    section: "5.3",
    title: "looking for trailers in the last body callback makes none",
    script: [on("request_body", [absent(1, "x", BAD_ARGUMENT), remove(1, "x", [OK, BAD_ARGUMENT])])],
    request: { method: "POST", chunks: ["body"] },
    expect: { upstream: { body: "body", trailers: null } },
  },
];
