// Shared data, queues and metrics (abi.md 5.6, 5.7).
import type { Case } from "../case.ts";
import { call, hex, on, out, outText, saved, text } from "../script.ts";
import { BAD_ARGUMENT, CAS_MISMATCH, EMPTY, INTERNAL_FAILURE, NOT_FOUND, OK } from "./status.ts";

const inRequest = (does: Parameters<typeof on>[1]) => [on("request_headers", does)];
// Keys carry the case's id: planes share one store between cases.
const get = (key: string, value: string, as = 0) =>
  call("proxy_get_shared_data", [text(key), ...outText(), out(16)], OK, {
    texts: { 0: value },
    words: { 16: null },
    save: { from: 16, as },
  });
const absent = (key: string) => call("proxy_get_shared_data", [text(key), ...outText(), out(16)], NOT_FOUND);
const set = (key: string, value: string, cas: Parameters<typeof call>[1][number], gives = OK) =>
  call("proxy_set_shared_data", [text(key), text(value), cas], gives);
const data = (id: string, title: string, does: Parameters<typeof on>[1], more: Partial<Case> = {}): Case => ({
  id: `shared-${id}`,
  section: "5.6",
  title,
  script: inRequest(does),
  ...more,
});

const register = (name: string, as = 0) =>
  call("proxy_register_shared_queue", [text(name), out()], OK, { words: { 0: null }, save: { from: 0, as } });
const enqueue = (value: string, gives = OK) => call("proxy_enqueue_shared_queue", [saved(0), text(value)], gives);
const dequeue = (value: string) =>
  call("proxy_dequeue_shared_queue", [saved(0), ...outText()], OK, { texts: { 0: value } });
const nothing = call("proxy_dequeue_shared_queue", [saved(0), ...outText()], EMPTY);

const define = (type: number, name: string, as = 0) =>
  call("proxy_define_metric", [type, text(name), out()], OK, { words: { 0: null }, save: { from: 0, as } });
const value = (low: number, high = 0) =>
  call("proxy_get_metric", [saved(0), out()], OK, { words: { 0: low, 4: high } });
const metric = (id: string, title: string, does: Parameters<typeof on>[1]): Case => ({
  id: `metric-${id}`,
  section: "5.7",
  title,
  script: inRequest(does),
});

const DATA: readonly Case[] = [
  data("absent", "an absent key", [absent("shared-absent"), absent("")]),
  data("set-get", "what was set is got, with a cas", [set("shared-set-get", "v", 0), get("shared-set-get", "v")]),
  data("empty-value", "an empty value is a value", [set("shared-empty-value", "", 0), get("shared-empty-value", "")]),
  data("empty-key", "an empty key is a key", [set("", "v", 0), get("", "v")], {}),
  data("binary", "keys and values are bytes", [
    call("proxy_set_shared_data", [hex("00ff80"), hex("ff00fe"), 0], OK),
    call("proxy_get_shared_data", [hex("00ff80"), ...outText(), out(16)], OK, {
      texts: { 0: null },
      words: { 16: null },
    }),
  ]),
  data("overwrite", "cas 0 overwrites", [
    set("shared-overwrite", "1", 0),
    set("shared-overwrite", "2", 0),
    get("shared-overwrite", "2"),
  ]),
  data("cas", "the right cas writes", [
    set("shared-cas", "1", 0),
    get("shared-cas", "1"),
    set("shared-cas", "2", saved(0)),
    get("shared-cas", "2", 1),
  ]),
  data("cas-old", "an old cas is a mismatch and changes nothing", [
    set("shared-cas-old", "1", 0),
    get("shared-cas-old", "1"),
    set("shared-cas-old", "2", saved(0)),
    set("shared-cas-old", "3", saved(0), CAS_MISMATCH),
    get("shared-cas-old", "2", 1),
  ]),
  data("cas-wrong", "a cas that never was is a mismatch", [
    set("shared-cas-wrong", "1", 0),
    set("shared-cas-wrong", "2", 0xfffffff0, CAS_MISMATCH),
    get("shared-cas-wrong", "1"),
  ]),
  data("cas-absent", "a cas on an absent key succeeds", [
    set("shared-cas-absent", "1", 77),
    get("shared-cas-absent", "1"),
  ]),
  data("between-contexts", "data outlives a callback and is seen from the plugin context", [], {
    script: [
      on("request_headers", [set("shared-between", "kept", 0), call("proxy_set_tick_period_milliseconds", [10], OK)]),
      on("tick", [call("proxy_set_tick_period_milliseconds", [0], OK), get("shared-between", "kept")]),
    ],
    until: "tick",
  }),
  data("key-too-long", "a key above 1 KiB", [
    call("proxy_set_shared_data", [0, 1025, text("v"), 0], INTERNAL_FAILURE),
    call("proxy_set_shared_data", [0, 1024, text("v"), 0], OK),
  ]),
  data(
    "value-too-long",
    "a value above 1 MiB",
    [
      call("probe_grow", [32]),
      call("proxy_set_shared_data", [text("shared-big"), 0, 1024 * 1024 + 1, 0], INTERNAL_FAILURE),
      call("proxy_set_shared_data", [text("shared-big"), 0, 1024 * 1024, 0], OK),
    ],
    { section: "14" },
  ),
];

const QUEUES: readonly Case[] = [
  {
    id: "queue-register",
    section: "5.6",
    title: "registering gives an id that is not 0, the same for the same name",
    script: inRequest([
      register("queue-register", 0),
      register("queue-register", 1),
      call("probe_variable", [0], [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]),
    ]),
  },
  {
    id: "queue-first-in-first-out",
    section: "5.6",
    title: "items come out in order, then the queue is empty",
    script: inRequest([
      register("queue-fifo"),
      nothing,
      enqueue("one"),
      enqueue("two"),
      dequeue("one"),
      enqueue(""),
      dequeue("two"),
      dequeue(""),
      nothing,
    ]),
  },
  {
    id: "queue-unknown",
    section: "5.6",
    title: "unknown ids",
    script: inRequest(
      [0, 99_999, 0xffffffff].flatMap((id) => [
        call("proxy_enqueue_shared_queue", [id, text("x")], NOT_FOUND),
        call("proxy_dequeue_shared_queue", [id, ...outText()], NOT_FOUND),
      ]),
    ),
  },
  {
    id: "queue-resolve",
    section: "5.6",
    title: "a queue is resolved by its own vm id or an empty one",
    script: inRequest([
      call("proxy_resolve_shared_queue", [text(""), text("queue-resolve"), out()], NOT_FOUND),
      register("queue-resolve"),
      call("proxy_resolve_shared_queue", [text(""), text("queue-resolve"), out()], OK, {
        words: { 0: null },
        save: { from: 0, as: 0 },
      }),
      enqueue("by resolved id"),
      dequeue("by resolved id"),
      call("proxy_resolve_shared_queue", [text("nobody"), text("queue-resolve"), out()], NOT_FOUND),
      call("proxy_resolve_shared_queue", [text(""), text("queue-unknown"), out()], NOT_FOUND),
    ]),
  },
  {
    id: "queue-resolve-own-vm-id",
    section: "5.6",
    title: "a queue is resolved by the vm id of its VM",
    script: inRequest([
      register("q"),
      call("proxy_resolve_shared_queue", [text("first"), text("q"), out()], OK, { words: { 0: null } }),
    ]),
  },
  {
    id: "queue-ready",
    section: "5.6",
    title: "the last registrant is told of an item, asynchronously, on its plugin context",
    script: [on("request_headers", [register("queue-ready"), enqueue("x")]), on("queue_ready", [dequeue("x")])],
    until: "queue_ready",
  },
  {
    id: "queue-ready-per-item",
    section: "5.6",
    title: "one on_queue_ready per item",
    script: [on("request_headers", [register("queue-items"), enqueue("x"), enqueue("y")]), on("queue_ready", [])],
    waitMs: 10,
    expect: {
      order: [
        "initialize",
        "root_create",
        "vm_start",
        "validate",
        "configure",
        "context_create",
        "request_headers",
        "queue_ready",
        "queue_ready",
        "response_headers",
        "log",
        "done",
        "delete",
        "root_done",
        "root_delete",
      ],
    },
  },
];

const METRICS: readonly Case[] = [
  metric("counter", "a counter counts", [
    define(0, "metric_counter"),
    value(0),
    call("proxy_increment_metric", [saved(0), 2], OK),
    call("proxy_increment_metric", [saved(0), 3], OK),
    value(5),
  ]),
  metric("counter-not-down", "a counter takes only positive steps", [
    define(0, "metric_not_down"),
    call("proxy_increment_metric", [saved(0), 0], BAD_ARGUMENT),
    call("proxy_increment_metric", [saved(0), -1], BAD_ARGUMENT),
    value(0),
  ]),
  metric("counter-record", "recording on a counter adds (15.11)", [
    define(0, "metric_record"),
    call("proxy_increment_metric", [saved(0), 1], OK),
    call("proxy_record_metric", [saved(0), 10], OK),
    value(11),
  ]),
  metric("gauge", "a gauge is set and moved", [
    define(1, "metric_gauge"),
    call("proxy_record_metric", [saved(0), 100], OK),
    call("proxy_increment_metric", [saved(0), -30], OK),
    call("proxy_increment_metric", [saved(0), 5], OK),
    value(75),
    call("proxy_record_metric", [saved(0), 7], OK),
    value(7),
  ]),
  metric("gauge-wide", "values have 64 bits", [
    define(1, "metric_wide"),
    call("proxy_record_metric", [saved(0), 0x7fffffff], OK),
    call("proxy_increment_metric", [saved(0), 0x7fffffff], OK),
    call("proxy_increment_metric", [saved(0), 3], OK),
    value(1, 1),
  ]),
  metric("histogram", "a histogram observes and cannot be read", [
    define(2, "metric_histogram"),
    call("proxy_record_metric", [saved(0), 42], OK),
    call("proxy_increment_metric", [saved(0), 1], BAD_ARGUMENT),
    call("proxy_get_metric", [saved(0), out()], BAD_ARGUMENT),
  ]),
  metric("same-name", "the same name and type is the same series", [
    define(0, "metric_same"),
    call("proxy_increment_metric", [saved(0), 2], OK),
    define(0, "metric_same"),
    value(2),
  ]),
  metric("other-type", "the same name with another type", [
    define(0, "metric_typed"),
    call("proxy_define_metric", [1, text("metric_typed"), out()], BAD_ARGUMENT),
  ]),
  metric(
    "unknown-type",
    "types above 2",
    [3, 4, 0x80000000, 0xffffffff].map((type) =>
      call("proxy_define_metric", [type, text("metric_x"), out()], BAD_ARGUMENT),
    ),
  ),
  metric("bad-name", "a name nobody can export", [
    call("proxy_define_metric", [0, text(""), out()], BAD_ARGUMENT),
    call("proxy_define_metric", [0, text("123"), out()], BAD_ARGUMENT),
    call("proxy_define_metric", [0, text("x".repeat(2000)), out()], BAD_ARGUMENT),
  ]),
  metric(
    "unknown-id",
    "unknown ids",
    [0xfffffffc, 0x7ffffff0, 99_996].flatMap((id) => [
      call("proxy_record_metric", [id, 1], NOT_FOUND),
      call("proxy_increment_metric", [id, 1], NOT_FOUND),
      call("proxy_get_metric", [id, out()], NOT_FOUND),
    ]),
  ),
  metric("labels", "labels travel in the name", [
    define(0, "metric_labelled;.;route=.=api;.;"),
    call("proxy_increment_metric", [saved(0), 1], OK),
    value(1),
  ]),
];

export const SHARED_CASES: readonly Case[] = [...DATA, ...QUEUES, ...METRICS];
