// Properties (abi.md 5.8, 6.2, 6.3, 10) and the foreign functions every build of this host has (11).
import type { Case } from "../case.ts";
import { call, hex, on, out, outText, ROOT, text, type TextValue } from "../script.ts";
import { notOverHttp2, onlyOverHttp2 } from "./left-out.ts";
import { BAD_ARGUMENT, NOT_FOUND, OK, SERIALIZATION_FAILURE } from "./status.ts";

const inRequest = (does: Parameters<typeof on>[1]) => [on("request_headers", does)];
const path = (...segments: string[]) => text(segments.join("\0"));
const is = (given: ReturnType<typeof path>, value: TextValue) =>
  call("proxy_get_property", [given, ...outText()], OK, { texts: { 0: value } });
const none = (given: ReturnType<typeof path>) => call("proxy_get_property", [given, ...outText()], NOT_FOUND);
const int64 = (value: number): TextValue => {
  const eight = Buffer.alloc(8);
  eight.writeBigInt64LE(BigInt(value));
  return ["hex", eight.toString("hex")];
};
const property = (id: string, title: string, does: Parameters<typeof on>[1], more: Partial<Case> = {}): Case => ({
  id: `property-${id}`,
  section: "10.1",
  title,
  script: inRequest(does),
  ...more,
});
const foreign = (name: string, args: ReturnType<typeof text>, gives: number, value: TextValue) =>
  call("proxy_call_foreign_function", [text(name), args, ...outText()], gives, { texts: { 0: value } });

const REQUEST_TEXTS: readonly (readonly [string, string | null])[] = [
  ["path", "/a/b?q=1"],
  ["url_path", "/a/b"],
  ["query", "q=1"],
  ["method", "GET"],
  ["scheme", "http"],
  ["host", null],
  ["id", null],
  ["protocol", "HTTP/1.1"],
  ["referer", "http://r/"],
  ["useragent", "probe/1"],
];
const REQUEST = {
  path: "/a/b?q=1",
  headers: [
    ["referer", "http://r/"],
    ["user-agent", "probe/1"],
  ],
} as const;

const PROPERTIES: readonly Case[] = [
  ...REQUEST_TEXTS.map(([name, value]) =>
    property(`request-${name}`, `request.${name} is text`, [is(path("request", name), value)], {
      request: REQUEST,
      ...(name === "protocol" ? { leftOut: notOverHttp2("request.protocol is HTTP/2 there") } : {}),
    }),
  ),
  property("request-protocol-http2", "request.protocol of HTTP/2", [is(path("request", "protocol"), "HTTP/2")], {
    leftOut: onlyOverHttp2("request.protocol is HTTP/1.1 there"),
  }),
  ...["time", "headers_bytes"].map((name) =>
    property(`request-${name}`, `request.${name} is eight bytes`, [
      call("proxy_get_property", [path("request", name), ...outText()], OK, { texts: { 0: null }, words: { 4: 8 } }),
    ]),
  ),
  property("trailing-nul", "a path with a NUL behind every segment", [is(text("request\0method\0"), "GET")], {
    section: "6.2",
  }),
  property(
    "header",
    "one header of the request",
    [is(path("request", "headers", "x-a"), "1"), none(path("request", "headers", "x-b"))],
    {
      request: { headers: [["x-a", "1"]] },
    },
  ),
  property(
    "header-repeated",
    "a repeated header is joined by commas alone",
    [is(path("request", "headers", "x-a"), "1,2")],
    {
      request: {
        headers: [
          ["x-a", "1"],
          ["x-a", "2"],
        ],
      },
    },
  ),
  property("headers", "a whole header map is Pairs", [is(path("request", "headers"), null)]),
  property(
    "empty-path",
    "empty paths and empty segments",
    [none(text("")), none(text("\0")), none(text("request\0\0method")), none(text("\0request\0method"))],
    { section: "15.8" },
  ),
  property("unknown", "unknown names", [
    none(path("request", "nonsense")),
    none(path("nonsense")),
    none(path("request")),
    none(text("request.method")),
    none(path("request", "method", "more")),
    none(path("__proto__", "x")),
    none(path("request", "constructor")),
  ]),
  property("response-too-early", "nothing of the response before it comes", [
    none(path("response", "code")),
    none(path("response", "headers")),
    none(path("response", "trailers")),
    none(path("response", "grpc_status")),
  ]),
  property("response-code", "response.code is an int", [], {
    script: [
      on("response_headers", [is(path("response", "code"), int64(201)), is(path("response", "headers", "x-r"), "1")]),
    ],
    response: { status: 201, headers: [["x-r", "1"]] },
  }),
  property("at-completion", "durations and sizes exist at completion only", [], {
    script: [
      on("request_headers", [
        none(path("request", "duration")),
        none(path("request", "size")),
        none(path("request", "total_size")),
      ]),
      on("log", [
        ...["duration", "size", "total_size"].map((name) =>
          call("proxy_get_property", [path("request", name), ...outText()], OK, {
            texts: { 0: null },
            words: { 4: 8 },
          }),
        ),
        ...["size", "total_size"].map((name) =>
          call("proxy_get_property", [path("response", name), ...outText()], OK, {
            texts: { 0: null },
            words: { 4: 8 },
          }),
        ),
      ]),
    ],
  }),
  property("connection", "addresses and the connection's id", [
    is(path("source", "address"), null),
    call("proxy_get_property", [path("source", "port"), ...outText()], OK, { texts: { 0: null }, words: { 4: 8 } }),
    is(path("destination", "address"), null),
    call("proxy_get_property", [path("destination", "port"), ...outText()], OK, {
      texts: { 0: null },
      words: { 4: 8 },
    }),
    call("proxy_get_property", [path("connection", "id"), ...outText()], OK, { texts: { 0: null }, words: { 4: 8 } }),
    is(path("connection", "mtls"), "\0"),
  ]),
  property("route", "route and cluster, by both names", [
    is(path("xds", "route_name"), null),
    is(path("route_name"), null),
    is(path("xds", "cluster_name"), null),
    is(path("cluster_name"), null),
    is(path("listener_direction"), int64(1)),
  ]),
  property(
    "plugin",
    "names of the plugin",
    [is(path("plugin_name"), "first"), is(path("plugin_root_id"), "the-root"), is(path("plugin_vm_id"), "first")],
    {
      setup: { rootId: "the-root" },
    },
  ),
  property("on-plugin-context", "on the plugin context only the plugin's own names are there", [
    call("proxy_set_effective_context", [ROOT], OK),
    is(path("plugin_name"), null),
    none(path("request", "path")),
    call("proxy_set_property", [path("mine"), text("v")], NOT_FOUND),
  ]),
  property("set", "a property that was set can be read, in later callbacks too", [], {
    section: "10.3",
    script: [
      on("request_headers", [
        none(path("my", "key")),
        call("proxy_set_property", [path("my", "key"), text("v1")], OK),
        is(path("my", "key"), "v1"),
        call("proxy_set_property", [text("my\0key\0"), text("v2")], OK),
        is(path("my", "key"), "v2"),
      ]),
      on("log", [is(path("my", "key"), "v2")]),
    ],
  }),
  property(
    "set-empty",
    "an empty value is a value",
    [call("proxy_set_property", [path("mine"), text("")], OK), is(path("mine"), "")],
    { section: "10.3" },
  ),
  property(
    "set-read-only",
    "attributes of the host cannot be set",
    [
      call("proxy_set_property", [path("request", "path"), text("/x")], BAD_ARGUMENT),
      call("proxy_set_property", [path("source", "port"), text("1")], BAD_ARGUMENT),
    ],
    { section: "10.3" },
  ),
  property(
    "set-bad-path",
    "a path that is none",
    [call("proxy_set_property", [text("a\0\0b"), text("v")], NOT_FOUND)],
    { section: "10.3" },
  ),
  property(
    "set-too-large",
    "a value above 64 KiB",
    [
      call("proxy_set_property", [path("large"), 0, 64 * 1024 + 1], BAD_ARGUMENT),
      call("proxy_set_property", [path("large"), 0, 64 * 1024], OK),
    ],
    { section: "14" },
  ),
  property("set-between-filters", "filters of one stream share properties", [], {
    section: "10.3",
    script: inRequest([call("proxy_set_property", [path("from", "first"), text("hello")], OK)]),
    second: inRequest([is(path("from", "first"), "hello")]),
    delivery: "configuration",
  }),
];

const FOREIGN: readonly Case[] = [
  {
    id: "foreign-unknown",
    section: "5.8",
    title: "an unknown foreign function is NOT_FOUND, with outputs (0, 0)",
    script: inRequest([
      foreign("no.such.function", text("x"), NOT_FOUND, ""),
      foreign("", text("x"), NOT_FOUND, ""),
      foreign("constructor", text("x"), NOT_FOUND, ""),
    ]),
  },
  {
    id: "foreign-result-not-wanted",
    section: "5.8",
    title: "result addresses may be 0",
    script: inRequest([
      call("proxy_call_foreign_function", [text("compress"), text("abc"), 0, 0], OK),
      call("proxy_call_foreign_function", [text("no.such.function"), text("abc"), 0, 0], NOT_FOUND),
    ]),
  },
  {
    id: "foreign-uncompress",
    section: "11.1",
    title: "uncompress reads zlib and refuses what is none",
    script: inRequest([
      foreign("uncompress", hex("789ccb48cdc9c90700062c0215"), OK, "hello"),
      foreign("uncompress", text("not zlib"), SERIALIZATION_FAILURE, ""),
      foreign("uncompress", hex(""), SERIALIZATION_FAILURE, ""),
    ]),
  },
  {
    id: "foreign-compress",
    section: "11.1",
    title: "compress gives zlib",
    script: inRequest([
      call("proxy_call_foreign_function", [text("compress"), text("hello"), ...outText()], OK, { texts: { 0: null } }),
    ]),
  },
  {
    id: "foreign-clear-route-cache",
    section: "11.1",
    title: "clear_route_cache on a stream",
    script: inRequest([foreign("clear_route_cache", hex(""), OK, "")]),
    expect: { response: { status: 200 } },
  },
  {
    id: "foreign-features",
    section: "11.2",
    title: "sluice.features lists the extras",
    script: inRequest([
      call("proxy_call_foreign_function", [text("sluice.features"), hex(""), ...outText()], OK, { texts: { 0: null } }),
    ]),
  },
  ...(
    [
      ["sluice.gcra", "00"],
      ["sluice.counter_add", "00"],
      ["sluice.kv_delete", "00"],
      ["sluice.kv_set", "00"],
      ["sluice.delay", "00"],
    ] as const
  ).map(([name, args]): Case => ({
    id: `foreign-${name}-short`,
    section: "11.2",
    title: `${name} with too few bytes`,
    script: inRequest([foreign(name, hex(args), BAD_ARGUMENT, "")]),
  })),
  {
    id: "foreign-counter-add",
    section: "11.2",
    title: "sluice.counter_add adds and answers the sum",
    script: inRequest([
      foreign(
        "sluice.counter_add",
        hex("0500000000000000" + Buffer.from("conf-counter").toString("hex")),
        OK,
        int64(5),
      ),
      foreign(
        "sluice.counter_add",
        hex("feffffffffffffff" + Buffer.from("conf-counter").toString("hex")),
        OK,
        int64(3),
      ),
    ]),
  },
  {
    id: "foreign-kv",
    section: "11.2",
    title: "sluice.kv_set, kv_keys and kv_delete work on shared data",
    script: inRequest([
      foreign("sluice.kv_set", hex("000000000000000006000000" + Buffer.from("conf-kvalue").toString("hex")), OK, ""),
      call("proxy_get_shared_data", [text("conf-k"), ...outText(), out(16)], OK, {
        texts: { 0: "value" },
        words: { 16: null },
      }),
      call("proxy_call_foreign_function", [text("sluice.kv_keys"), text("conf-k"), ...outText()], OK, {
        texts: { 0: null },
      }),
      foreign("sluice.kv_delete", hex("00000000" + Buffer.from("conf-k").toString("hex")), OK, ""),
      call("proxy_get_shared_data", [text("conf-k"), ...outText(), out(16)], NOT_FOUND),
    ]),
  },
  {
    id: "foreign-gcra",
    section: "11.2",
    title: "sluice.gcra allows and then refuses",
    script: inRequest(
      [0, 1].map(() =>
        call(
          "proxy_call_foreign_function",
          [
            text("sluice.gcra"),
            hex("00ca9a3b00000000010000000100000001000000" + Buffer.from("conf-gcra").toString("hex")),
            ...outText(),
          ],
          OK,
          { texts: { 0: null }, words: { 4: 13 } },
        ),
      ),
    ),
  },
  {
    id: "capability-denied",
    section: "11.3",
    title: "a host function outside allowedCapabilities answers INTERNAL_FAILURE",
    script: [
      on("request_headers", [
        call("proxy_get_header_map_value", [0, text(":path"), ...outText()], OK, { texts: { 0: "/" } }),
        call("proxy_set_shared_data", [text("k"), text("v"), 0], 10),
        call("proxy_call_foreign_function", [text("compress"), text("v"), ...outText()], NOT_FOUND),
      ]),
    ],
    delivery: "configuration",
    setup: {
      allowedCapabilities: [
        "proxy_log",
        "proxy_get_buffer_bytes",
        "proxy_get_header_map_value",
        "proxy_on_context_create",
        "proxy_on_vm_start",
        "proxy_validate_configuration",
        "proxy_on_configure",
        "proxy_on_request_headers",
      ],
    },
    expect: { response: { status: 200 } },
  },
  {
    id: "unknown-host-function",
    section: "2",
    title: "an unknown proxy_ import answers UNIMPLEMENTED",
    script: inRequest([call("proxy_of_tomorrow", [1], 12), call("proxy_of_tomorrow", [2], 12)]),
  },
  {
    id: "pthread-equal",
    section: "12.2",
    title: "pthread_equal compares",
    script: inRequest([call("pthread_equal", [7, 7], 1), call("pthread_equal", [7, 8], 0)]),
  },
  {
    id: "pairs-unused",
    section: "6.1",
    title: "an empty foreign result of Pairs is (0, 0)",
    script: inRequest([foreign("sluice.kv_keys", text("no-key-begins-like-this"), OK, "")]),
    request: { headers: [["x-a", "1"]] },
    expect: { upstream: { headers: { "x-a": "1" } } },
  },
];

export const PROPERTY_CASES: readonly Case[] = [...PROPERTIES, ...FOREIGN];
