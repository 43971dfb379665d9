// One host call in words: which arguments are text, which are outputs, what the numbers mean. For traces only.
import * as statuses from "../../sdk/assembly/abi/status.ts";
import { BUFFER_NAMES, LEVEL_NAMES, MAP_NAMES, STATUS_NAMES, STREAM_NAMES } from "./abi-words.ts";
import type { GuestMemory } from "./memory.ts";
import { quoted } from "./refusal.ts";
import type { VmTrace } from "./trace.ts";

/**
 * `key` names what a later `value` or `outValue` is the value of; `content` and `outContent` may be anything, such as a body.
 */
type Narrow = "map" | "buffer" | "stream" | "level" | "number" | "out";
type Wide = "text" | "key" | "value" | "content" | "bytes" | "pairs" | "outText" | "outValue" | "outContent";
export type Kind = Narrow | Wide;

/** Arguments in order; wide ones take two places (pointer, size). */
export const SHAPES: Readonly<Record<string, readonly Kind[]>> = {
  proxy_log: ["level", "value"],
  proxy_get_log_level: ["out"],
  proxy_get_current_time_nanoseconds: ["out"],
  proxy_set_tick_period_milliseconds: ["number"],
  proxy_set_effective_context: ["number"],
  proxy_get_header_map_pairs: ["map", "outContent"],
  proxy_set_header_map_pairs: ["map", "pairs"],
  proxy_get_header_map_value: ["map", "key", "outValue"],
  proxy_add_header_map_value: ["map", "key", "value"],
  proxy_replace_header_map_value: ["map", "key", "value"],
  proxy_remove_header_map_value: ["map", "text"],
  proxy_get_header_map_size: ["map", "out"],
  proxy_get_buffer_bytes: ["buffer", "number", "number", "outContent"],
  proxy_get_buffer_status: ["buffer", "out", "out"],
  proxy_set_buffer_bytes: ["buffer", "number", "number", "content"],
  proxy_continue_stream: ["stream"],
  proxy_close_stream: ["stream"],
  proxy_send_local_response: ["number", "text", "content", "pairs", "number"],
  proxy_http_call: ["text", "pairs", "content", "pairs", "number", "out"],
  proxy_grpc_call: ["text", "text", "text", "pairs", "bytes", "number", "out"],
  proxy_grpc_stream: ["text", "text", "text", "pairs", "out"],
  proxy_grpc_send: ["number", "bytes", "number"],
  proxy_grpc_cancel: ["number"],
  proxy_grpc_close: ["number"],
  proxy_get_shared_data: ["text", "outContent", "out"],
  proxy_set_shared_data: ["text", "content", "number"],
  proxy_define_metric: ["number", "text", "out"],
  proxy_get_property: ["key", "outValue"],
  proxy_set_property: ["key", "value"],
  envoy_resolve_dns: ["text", "out"],
  proxy_call_foreign_function: ["text", "bytes", "outContent"],
};
export const NARROW: ReadonlySet<Kind> = new Set<Kind>(["map", "buffer", "stream", "level", "number", "out"]);

/** What a call came to. */
export interface Outcome {
  readonly status: unknown;
  /** Why it is not OK; "" when it is, or when nobody said. */
  readonly reason: string;
}

/** Where the texts of a call stand, and what of them may be told. */
export interface Source {
  readonly memory: GuestMemory;
  /** As in {@link VmTrace}; absent = everything. */
  readonly show?: VmTrace["show"] | undefined;
}

/** `get_header_map_value(http_request_headers, "user-agent") = OK "curl/8"`, or `... = NOT_FOUND: <reason>` */
export function callInWords(
  name: string,
  args: readonly (number | bigint)[],
  { status, reason }: Outcome,
  { memory, show }: Source,
): string {
  const shape = SHAPES[name] ?? args.map((): Kind => "number");
  const words = new Words(memory, show);
  const inputs: string[] = [];
  const outputs: string[] = [];
  let at = 0;
  for (const kind of shape) {
    const [first = 0, second = 0] = [Number(args[at] ?? 0), Number(args[at + 1] ?? 0)];
    at += NARROW.has(kind) ? 1 : 2;
    const into = kind.startsWith("out") ? outputs : inputs;
    into.push(words.of(kind, first, second));
  }
  const verdict = STATUS_NAMES.get(Number(status)) ?? String(status ?? "");
  const given = status === statuses.OK && outputs.length > 0 ? ` ${outputs.join(", ")}` : reason && `: ${reason}`;
  return `${name.replace(/^proxy_/, "")}(${inputs.join(", ")}) = ${verdict}${given}`;
}

/** The arguments of one call, in order: a key is remembered for the value that follows. */
class Words {
  readonly #memory: GuestMemory;
  readonly #show: Source["show"];
  #key = "";

  constructor(memory: GuestMemory, show: Source["show"]) {
    this.#memory = memory;
    this.#show = show;
  }

  of(kind: Kind, first: number, second: number): string {
    switch (kind) {
      case "map":
        return MAP_NAMES.get(first) ?? String(first);
      case "buffer":
        return BUFFER_NAMES.get(first) ?? String(first);
      case "stream":
        return STREAM_NAMES.get(first) ?? String(first);
      case "level":
        return LEVEL_NAMES.get(first) ?? String(first);
      case "out":
        return String(this.#memory.u32(first) ?? "?");
      case "number":
        return String(first);
      default:
        return this.#wide(kind, first, second);
    }
  }

  #wide(kind: Wide, first: number, second: number): string {
    if (kind === "bytes" || kind === "pairs") return `${second >>> 0} bytes`;
    if (!kind.startsWith("out")) return this.#text(kind, first, second);
    const at = this.#memory.u32(first);
    const length = this.#memory.u32(second);
    return at === null || length === null ? "?" : this.#text(kind, at, length);
  }

  #text(kind: Wide, at: number, length: number): string {
    const show = this.#show;
    if (show !== undefined && (kind === "content" || kind === "outContent")) return `${length >>> 0} bytes`;
    const text = this.#memory.text(at, length);
    if (text === null) return "(outside memory)";
    // A property's path is told by its last part: request.headers.cookie.
    if (kind === "key") this.#key = text.slice(text.lastIndexOf("\0") + 1);
    return quoted(show !== undefined && (kind === "value" || kind === "outValue") ? show(this.#key, text) : text);
  }
}
