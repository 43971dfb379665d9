// Limits that are cheap to test (abi.md 14).
import type { Case } from "../case.ts";
import { call, on, outText, pairs, text } from "../script.ts";
import { BAD_ARGUMENT, INTERNAL_FAILURE, NOT_FOUND, OK } from "./status.ts";

const inRequest = (does: Parameters<typeof on>[1]) => [on("request_headers", does)];

export const LIMIT_CASES: readonly Case[] = [
  {
    id: "limit-header-bytes",
    section: "14",
    title: "a header map above 64 KiB is refused",
    script: inRequest([
      call("proxy_add_header_map_value", [0, text("x-large"), 0x10000, 65_000], [OK, BAD_ARGUMENT]),
      call("proxy_add_header_map_value", [0, text("x-large"), 0x10000, 66_000], BAD_ARGUMENT),
      call("proxy_replace_header_map_value", [0, text("x-large"), 0x10000, 66_000], BAD_ARGUMENT),
    ]),
    guests: ["wat"],
  },
  {
    id: "limit-header-count",
    section: "14",
    title: "a header map of more than 256 pairs is refused",
    script: inRequest([
      call(
        "proxy_set_header_map_pairs",
        [
          0,
          pairs(
            [":method", "GET"],
            [":scheme", "http"],
            [":authority", "t"],
            [":path", "/"],
            ...Array.from({ length: 252 }, (_, at) => [`x-${at}`, ""] as const),
          ),
        ],
        OK,
      ),
      call("proxy_add_header_map_value", [0, text("x-more"), text("1")], BAD_ARGUMENT),
      call(
        "proxy_set_header_map_pairs",
        [
          0,
          pairs(
            [":method", "GET"],
            [":scheme", "http"],
            [":authority", "t"],
            [":path", "/"],
            ...Array.from({ length: 253 }, (_, at) => [`x-${at}`, ""] as const),
          ),
        ],
        BAD_ARGUMENT,
      ),
    ]),
  },
  {
    id: "limit-reply-body",
    section: "14",
    title: "a local reply above 1 MiB is refused",
    script: inRequest([
      call("probe_grow", [32]),
      call("proxy_send_local_response", [200, text("d"), 0, 1024 * 1024 + 1, pairs(), -1], BAD_ARGUMENT),
    ]),
    expect: { response: { status: 200 } },
  },
  {
    id: "limit-shared-key",
    section: "14",
    title: "reading a key that is too long finds nothing",
    script: inRequest([call("proxy_get_shared_data", [0, 5000, ...outText(), ["out", 16]], NOT_FOUND)]),
  },
  {
    id: "limit-queue-item",
    section: "14",
    title: "a queue takes at most 16 MiB",
    script: inRequest([
      call("probe_grow", [320]),
      call("proxy_register_shared_queue", [text("limit-queue"), ["out", 0]], OK, {
        words: { 0: null },
        save: { from: 0, as: 0 },
      }),
      call("proxy_enqueue_shared_queue", [["saved", 0], 0, 17 * 1024 * 1024], INTERNAL_FAILURE),
    ]),
  },
];
