// One host call in words: which arguments are text, which are outputs, what the numbers mean. For traces only.
import * as statuses from "../../sdk/assembly/abi/status.ts";
import { BUFFER_NAMES, LEVEL_NAMES, MAP_NAMES, STATUS_NAMES, STREAM_NAMES } from "./abi-words.ts";
import type { GuestMemory } from "./memory.ts";
import { quoted } from "./refusal.ts";

type Kind = "map" | "buffer" | "stream" | "level" | "number" | "text" | "bytes" | "pairs" | "out" | "outText";

/** Arguments in order; text, bytes, pairs and outText take two places (pointer, size). */
const SHAPES: Readonly<Record<string, readonly Kind[]>> = {
  proxy_log: ["level", "text"],
  proxy_get_log_level: ["out"],
  proxy_get_current_time_nanoseconds: ["out"],
  proxy_set_tick_period_milliseconds: ["number"],
  proxy_set_effective_context: ["number"],
  proxy_get_header_map_pairs: ["map", "outText"],
  proxy_set_header_map_pairs: ["map", "pairs"],
  proxy_get_header_map_value: ["map", "text", "outText"],
  proxy_add_header_map_value: ["map", "text", "text"],
  proxy_replace_header_map_value: ["map", "text", "text"],
  proxy_remove_header_map_value: ["map", "text"],
  proxy_get_header_map_size: ["map", "out"],
  proxy_get_buffer_bytes: ["buffer", "number", "number", "outText"],
  proxy_get_buffer_status: ["buffer", "out", "out"],
  proxy_set_buffer_bytes: ["buffer", "number", "number", "text"],
  proxy_continue_stream: ["stream"],
  proxy_close_stream: ["stream"],
  proxy_send_local_response: ["number", "text", "text", "pairs", "number"],
  proxy_http_call: ["text", "pairs", "text", "pairs", "number", "out"],
  proxy_grpc_call: ["text", "text", "text", "pairs", "bytes", "number", "out"],
  proxy_grpc_stream: ["text", "text", "text", "pairs", "out"],
  proxy_grpc_send: ["number", "bytes", "number"],
  proxy_grpc_cancel: ["number"],
  proxy_grpc_close: ["number"],
  proxy_get_shared_data: ["text", "outText", "out"],
  proxy_set_shared_data: ["text", "text", "number"],
  proxy_define_metric: ["number", "text", "out"],
  proxy_get_property: ["text", "outText"],
  proxy_set_property: ["text", "text"],
  proxy_call_foreign_function: ["text", "bytes", "outText"],
};
const WIDE = new Set<Kind>(["text", "bytes", "pairs", "outText"]);

/** What a call came to. */
export interface Outcome {
  readonly status: unknown;
  /** Why it is not OK; "" when it is, or when nobody said. */
  readonly reason: string;
}

/** `get_header_map_value(http_request_headers, "user-agent") = OK "curl/8"`, or `... = NOT_FOUND: <reason>` */
export function callInWords(
  name: string,
  args: readonly (number | bigint)[],
  { status, reason }: Outcome,
  memory: GuestMemory,
): string {
  const shape = SHAPES[name] ?? args.map((): Kind => "number");
  const inputs: string[] = [];
  const outputs: string[] = [];
  let at = 0;
  for (const kind of shape) {
    const [first = 0, second = 0] = [Number(args[at] ?? 0), Number(args[at + 1] ?? 0)];
    at += WIDE.has(kind) ? 2 : 1;
    if (kind === "outText") outputs.push(outText(first, second, memory));
    else if (kind === "out") outputs.push(String(memory.u32(first) ?? "?"));
    else inputs.push(inWords(kind, first, second, memory));
  }
  const verdict = STATUS_NAMES.get(Number(status)) ?? String(status ?? "");
  const given = status === statuses.OK && outputs.length > 0 ? ` ${outputs.join(", ")}` : reason && `: ${reason}`;
  return `${name.replace(/^proxy_/, "")}(${inputs.join(", ")}) = ${verdict}${given}`;
}

function inWords(kind: Kind, first: number, second: number, memory: GuestMemory): string {
  switch (kind) {
    case "map":
      return MAP_NAMES.get(first) ?? String(first);
    case "buffer":
      return BUFFER_NAMES.get(first) ?? String(first);
    case "stream":
      return STREAM_NAMES.get(first) ?? String(first);
    case "level":
      return LEVEL_NAMES.get(first) ?? String(first);
    case "text":
      return textAt(first, second, memory);
    case "bytes":
    case "pairs":
      return `${second >>> 0} bytes`;
    default:
      return String(first);
  }
}

function outText(pointer: number, size: number, memory: GuestMemory): string {
  const at = memory.u32(pointer);
  const length = memory.u32(size);
  return at === null || length === null ? "?" : textAt(at, length, memory);
}

function textAt(pointer: number, size: number, memory: GuestMemory): string {
  const text = memory.text(pointer, size);
  return text === null ? "(outside memory)" : quoted(text);
}
