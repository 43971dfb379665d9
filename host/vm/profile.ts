// Which host a guest meets: this one as it is, Envoy's part of it, or the least a proxy-wasm host offers. A profile wraps
// the functions and callbacks of one instance while it is linked; without one nothing is wrapped and nothing is asked.
// For `sluice call --profile` and the testing kit: a filter that passes under all three runs anywhere.
import { type GuestCallback, type GuestCallbacks, mapCallbacks } from "./callbacks.ts";
import type { Guest } from "./guest.ts";
import type { HostFunctions } from "./host-function.ts";
import { envoyCallback, envoyCalls, type Windows } from "./profile-envoy.ts";
import { minimalCalls } from "./profile-minimal.ts";
import type { ProfileName } from "./profile-name.ts";

/** The part of a profile that belongs to one instance. */
export interface Profile {
  /** `calls` as this host offers them. */
  calls(calls: HostFunctions): HostFunctions;
  /** Null: the host does not know the callback. */
  callback(callback: GuestCallback): GuestCallback | null;
}

const ours = (name: string): boolean => name.startsWith("sluice_");

/** Null for `sluice`. Called once per instance. */
export function profileOf(name: ProfileName | undefined, vm: Guest): Profile | null {
  if (name === undefined || name === "sluice") return null;
  const windows: Windows = new Map();
  return {
    calls: (calls) =>
      name === "envoy" ? envoyCalls(calls, vm, windows) : minimalCalls(envoyCalls(calls, vm, windows), vm),
    callback: (callback) => (ours(callback.name) ? null : envoyCallback(callback, windows)),
  };
}

/** The callbacks that a host of this profile knows. */
export const profiled = (profile: Profile | null, callbacks: GuestCallbacks): GuestCallbacks =>
  profile === null ? callbacks : mapCallbacks(callbacks, (callback) => profile.callback(callback));
