// One host call in words: which arguments are text, which are outputs, what the numbers mean. For traces only.
import * as buffers from "../../sdk/assembly/abi/buffer.ts";
import * as levels from "../../sdk/assembly/abi/log-level.ts";
import * as maps from "../../sdk/assembly/abi/map.ts";
import * as statuses from "../../sdk/assembly/abi/status.ts";
import * as streams from "../../sdk/assembly/abi/stream.ts";
import type { GuestMemory } from "./memory.ts";

/** Longest text shown of one argument, characters. */
const SHOWN = 80;

const namesOf = (table: Readonly<Record<string, number>>): ReadonlyMap<number, string> =>
  new Map(Object.entries(table).map(([name, value]) => [value, name.toLowerCase()]));
const STATUS = new Map(Object.entries(statuses).map(([name, value]) => [value as number, name]));
const MAPS = namesOf(maps);
const BUFFERS = namesOf(buffers);
const STREAMS = namesOf(streams);
const LEVELS = namesOf(levels);

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

/** `get_header_map_value(http_request_headers, "user-agent") = OK "curl/8"` */
export function callInWords(
  name: string,
  args: readonly (number | bigint)[],
  status: unknown,
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
  const verdict = STATUS.get(Number(status)) ?? String(status ?? "");
  const given = status === statuses.OK && outputs.length > 0 ? ` ${outputs.join(", ")}` : "";
  return `${name.replace(/^proxy_/, "")}(${inputs.join(", ")}) = ${verdict}${given}`;
}

function inWords(kind: Kind, first: number, second: number, memory: GuestMemory): string {
  switch (kind) {
    case "map":
      return MAPS.get(first) ?? String(first);
    case "buffer":
      return BUFFERS.get(first) ?? String(first);
    case "stream":
      return STREAMS.get(first) ?? String(first);
    case "level":
      return LEVELS.get(first) ?? String(first);
    case "text":
      return quoted(memory.text(first, second));
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
  return at === null || length === null ? "?" : quoted(memory.text(at, length));
}

function quoted(text: string | null): string {
  if (text === null) return "(outside memory)";
  const readable = Buffer.from(text, "latin1").toString("utf8").replaceAll("\0", ".");
  return JSON.stringify(readable.length > SHOWN ? `${readable.slice(0, SHOWN)}…` : readable);
}
