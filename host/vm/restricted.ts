// What a guest meets when it may not act: during start-up and inside its allocator only logging and a little WASI are
// allowed (abi.md 3.1, proxy-wasm-cpp-host's rule). Context and services are swapped for these, so that the hot path
// pays nothing for the check.
import { GuestAbort } from "./faults.ts";
import type { Hostcalls, VmServices } from "./ports.ts";

export type RestrictedPhase = "start-up" | "allocation";

let refused: GuestAbort | null = null;

/** What was refused since the last time somebody asked: a guest may have caught the exception. */
export function takeRefusal(): GuestAbort | null {
  const refusal = refused;
  refused = null;
  return refusal;
}

function refuse(phase: RestrictedPhase): never {
  const call = /at ((?:proxy|envoy)_\w+)/.exec(new Error("restricted").stack ?? "")?.[1] ?? "this host function";
  const advice = phase === "start-up" ? "; do it in proxy_on_vm_start or proxy_on_configure" : "";
  refused = new GuestAbort("restricted_callback", `${call} is not allowed during ${phase}${advice}`);
  throw refused;
}

const everything = <T extends object>(phase: RestrictedPhase): T => new Proxy({} as T, { get: () => refuse(phase) });

export interface Restricted {
  readonly context: Hostcalls;
  readonly services: VmServices;
}

export const RESTRICTED: Readonly<Record<RestrictedPhase, Restricted>> = {
  "start-up": { context: everything<Hostcalls>("start-up"), services: everything<VmServices>("start-up") },
  allocation: { context: everything<Hostcalls>("allocation"), services: everything<VmServices>("allocation") },
};
