// The least a proxy-wasm host offers: headers, bodies, local replies, call-outs, timers and logs. There are no shared
// data, queues or metrics, no foreign function is known, and the plugin's names are the only properties.
import * as status from "../../sdk/assembly/abi/status.ts";
import type { Guest } from "./guest.ts";
import type { HostFunctions } from "./host-function.ts";

const MISSING =
  /^proxy_(?:(?:get|set)_shared_data|(?:register|resolve|enqueue|dequeue)_shared_queue|(?:define|record|increment|get)_metric|set_property)$/;

type Call = (...args: number[]) => number;

/** Functions that every minimal host links and that answer as if nothing were there. */
const WITH_NAMES: Readonly<Record<string, RegExp>> = {
  proxy_get_property: /^plugin_(?:name|root_id|vm_id)\0?$/,
  proxy_call_foreign_function: /^(?!)/,
};

export function minimalCalls(calls: HostFunctions, vm: Guest): HostFunctions {
  const entries = Object.entries(calls).map(([name, call]): [string, HostFunctions[string]] => {
    if (MISSING.test(name)) return [name, () => vm.refuse(status.UNIMPLEMENTED, "a minimal host lacks {}", name)];
    const known = WITH_NAMES[name];
    return [name, known === undefined ? call : (named(call as unknown as Call, known, vm) as HostFunctions[string])];
  });
  return Object.fromEntries(entries);
}

const named =
  (inner: Call, known: RegExp, vm: Guest): Call =>
  (pointer = 0, size = 0, ...rest) => {
    const name = vm.memory.text(pointer, size) ?? "";
    return known.test(name)
      ? inner(pointer, size, ...rest)
      : vm.refuse(status.NOT_FOUND, "a minimal host has no {}", name);
  };
