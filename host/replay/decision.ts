// What a filter decided in one callback, in canonical form (experiments.md 6): two decisions are the same when their fields
// are. Made from the recorded step alone, so that the recorded version and every replayed one are judged by the same rule.
import { createHash } from "node:crypto";
import { actionName } from "../vm/story.ts";
import type { CallValue } from "../vm/call-values.ts";
import type { CallLine } from "./events.ts";
import type { CallbackStep } from "./steps.ts";

/** field -> value, in a form that people can read. A field that is not there has nothing decided about it. */
export type Decision = ReadonlyMap<string, string>;

const MAPS: Readonly<Record<string, string>> = {
  0: "request.header",
  1: "request.trailer",
  2: "response.header",
  3: "response.trailer",
};
const SIDES = ["request", "response", "downstream", "upstream"];
/** Foreign functions that decide about the stream. */
const DECIDING = /^(?:clear_route_cache|sluice\.(?:route_set|delay|hold_headers|metadata_set)|set_envoy_filter_state)$/;

/** @param before the effective context's maps as the callback found them */
export function decisionOf(step: CallbackStep, before: ReadonlyMap<number, readonly string[]>): Decision {
  const fields = new Map<string, string>();
  const { out, calls } = step;
  if (out === null) return fields;
  const action = actionName(step.in.fn, out.r);
  if (action !== "") fields.set("action", action);
  if (out.fault !== undefined) fields.set("trap", out.fault.reason);
  for (const [map, list] of Object.entries(out.maps ?? {})) diff(fields, map, before.get(Number(map)) ?? [], list);
  if (out.body !== undefined) fields.set(`${SIDES[out.body.buffer]}.body`, `${out.body.n} bytes ${out.body.sha256}`);
  for (const call of calls) if (call.s === 0) effect(fields, call);
  return fields;
}

/** Names whose values are not what they were. */
function diff(fields: Map<string, string>, map: string, before: readonly string[], after: readonly string[]): void {
  const was = byName(before);
  const is = byName(after);
  for (const name of new Set([...was.keys(), ...is.keys()])) {
    const value = is.get(name) ?? "(absent)";
    if ((was.get(name) ?? "(absent)") !== value) fields.set(`${MAPS[map] ?? `map ${map}`}.${name}`, value);
  }
}

function byName(list: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] ?? "";
    const known = found.get(name);
    found.set(name, known === undefined ? (list[at + 1] ?? "") : `${known} | ${list[at + 1]}`);
  }
  return found;
}

const text = (value: CallValue | undefined): string =>
  typeof value === "object" ? pairsText(value) : String(value ?? "");
const pairsText = (list: readonly string[]): string =>
  [...byName(list)].map(([name, value]) => `${name}: ${value}`).join(", ");
const digest = (value: CallValue | undefined): string =>
  createHash("sha256")
    .update(Buffer.from(text(value), "latin1"))
    .digest("hex")
    .slice(0, 16);

/** Adds to what is there: a callback may do the same kind of thing twice. */
function append(fields: Map<string, string>, field: string, value: string): void {
  const known = fields.get(field);
  fields.set(field, known === undefined ? value : `${known}; ${value}`);
}

function effect(fields: Map<string, string>, { fn, a }: CallLine): void {
  switch (fn) {
    case "proxy_send_local_response":
      fields.set("reply.status", text(a[0]));
      fields.set("reply.details", text(a[1]));
      fields.set("reply.body", text(a[2]));
      fields.set("reply.headers", text(a[3]));
      if (Number(a[4]) >= 0) fields.set("reply.grpc", text(a[4]));
      return;
    case "proxy_continue_stream":
      return append(fields, "continue", SIDES[Number(a[0])] ?? text(a[0]));
    case "proxy_close_stream":
      return append(fields, "close", SIDES[Number(a[0])] ?? text(a[0]));
    case "proxy_set_property":
      return append(fields, "properties", `${text(a[0]).replaceAll("\0", ".")}=${text(a[1])}`);
    case "proxy_set_shared_data":
      return append(fields, "shared", `${text(a[0])}=${digest(a[1])}`);
    case "proxy_enqueue_shared_queue":
      return append(fields, "queue", digest(a[1]));
    case "proxy_call_foreign_function":
      if (DECIDING.test(text(a[0]))) append(fields, "route", `${text(a[0])}(${digest(a[1])})`);
      return;
    default:
      if (isCall(fn)) append(fields, "calls", callKey(fn, a));
  }
}

const isCall = (fn: string): boolean =>
  fn === "proxy_http_call" || fn === "proxy_grpc_call" || fn === "proxy_grpc_stream" || fn === "envoy_resolve_dns";

/** What tells one call-out from another: cluster, method, path, hash of the body. */
export function callKey(fn: string, a: readonly CallValue[]): string {
  if (fn === "envoy_resolve_dns") return `dns ${text(a[0])}`;
  if (fn !== "proxy_http_call") return `grpc ${text(a[0])} ${text(a[1])}/${text(a[2])} ${digest(a[4])}`;
  const headers = Array.isArray(a[1]) ? (a[1] as readonly string[]) : [];
  const header = (name: string): string =>
    headers[headers.findIndex((one, at) => at % 2 === 0 && one === name) + 1] ?? "";
  return `${text(a[0])} ${header(":method")} ${header(":path")} ${digest(a[2])}`;
}
