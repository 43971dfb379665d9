// The matrix: which cases there are, which guests and planes run them, and why a cell is left out. The one table of the suite.
import type { Case, GuestName, PlaneName } from "./case.ts";
import { BUFFER_CASES } from "./cases/buffers.ts";
import { CALLOUT_CASES } from "./cases/callouts.ts";
import { FOREIGN_CASES } from "./cases/foreign.ts";
import { GRPC_CASES } from "./cases/grpc.ts";
import { HEADER_CASES } from "./cases/headers.ts";
import { LIFECYCLE_CASES } from "./cases/lifecycle.ts";
import { LIMIT_CASES } from "./cases/limits.ts";
import { MEMORY_CASES } from "./cases/memory.ts";
import { MODULE_CASES } from "./cases/modules.ts";
import { PHASE_CASES } from "./cases/phases.ts";
import { PROPERTY_CASES } from "./cases/properties.ts";
import { SHARED_CASES } from "./cases/shared.ts";
import { STREAM_CASES } from "./cases/streams.ts";
import { TCP_CASES } from "./cases/tcp.ts";
import { WASI_CASES } from "./cases/wasi.ts";
import { FIRST_OWN, FUNCTIONS, numberOf, type CallbackName } from "./functions.ts";
import type { Cell } from "./outcome.ts";
import { isInSdk } from "./toolchains/assembly-script.ts";

export const GUESTS: readonly GuestName[] = ["wat", "as", "c"];
export const PLANES: readonly PlaneName[] = ["in-process", "worker", "http2"];

export const CASES: readonly Case[] = [
  ...LIFECYCLE_CASES,
  ...BUFFER_CASES,
  ...HEADER_CASES,
  ...STREAM_CASES,
  ...TCP_CASES,
  ...FOREIGN_CASES,
  ...CALLOUT_CASES,
  ...GRPC_CASES,
  ...SHARED_CASES,
  ...PROPERTY_CASES,
  ...WASI_CASES,
  ...MODULE_CASES,
  ...LIMIT_CASES,
  ...MEMORY_CASES,
  ...PHASE_CASES,
];

/** Why a case has nothing to say about a cell; null = it runs there. */
export function notIn(one: Case, { guest, plane }: Cell): string | null {
  if (one.guests !== undefined && !one.guests.includes(guest)) return "not for this guest";
  const reason = one.leftOut?.[plane];
  if (reason !== undefined) return reason;
  if (plane === "http2" && one.connection !== undefined) return "a TCP connection is the same one on the plane worker";
  return guest === "as" ? notInSdk(one) : null;
}

const OUTSIDE_SDK: ReadonlySet<CallbackName> = new Set([
  "initialize",
  "main",
  "start",
  "allocate",
  "vm_start",
  "validate",
  "context_create",
  "root_create",
  "delete",
  "root_delete",
]);

/** What a filter built with the SDK cannot do. */
function notInSdk(one: Case): string | null {
  if (one.variant !== undefined) return "the SDK has one way to build";
  if (one.delivery === "environment") return "the SDK imports no WASI";
  for (const { at, returns = 0, does } of [...one.script, ...(one.second ?? [])]) {
    if (OUTSIDE_SDK.has(at)) return `the SDK keeps ${at} to itself`;
    if (!resultInSdk(at, returns)) return "the SDK cannot answer that";
    const missing = does.find(({ call }) => !callInSdk(call));
    if (missing !== undefined) return `the SDK imports no ${missing.call}`;
  }
  return null;
}

function callInSdk(name: string): boolean {
  if (name === "probe_allocator") return false;
  const number = numberOf(name);
  const shape = FUNCTIONS[number];
  return number >= FIRST_OWN || (shape !== undefined && isInSdk(shape));
}

function resultInSdk(at: CallbackName, returns: number): boolean {
  if (at.endsWith("_headers")) return [0, 1, 3, 4].includes(returns);
  if (at.endsWith("_body")) return [0, 1, 2, 3].includes(returns);
  return returns === 0 || returns === 1;
}
