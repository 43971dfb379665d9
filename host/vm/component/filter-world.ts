// The world `sluice:filter/http-filter` on the ABI of this host: its exports as the callbacks that chain and plugin know, its
// imports as host calls on the effective context. A component has no pointers here: records go in, an action comes out.
import * as action from "../../../sdk/assembly/abi/action.ts";
import * as maps from "../../../sdk/assembly/abi/map.ts";
import * as buffers from "../../../sdk/assembly/abi/buffer.ts";
import * as level from "../../../sdk/assembly/abi/log-level.ts";
import { MAX_LOG_BYTES } from "../../abi/limits.ts";
import { firstHeader, type HeaderList } from "../../abi/headers.ts";
import type { Guest } from "../guest.ts";
import { applyAction } from "./apply-action.ts";
import type { ComponentExports, ComponentImports } from "./link.ts";

const INTERFACE = "sluice:filter/host";
const LEVELS = ["trace", "debug", "info", "warn", "error", "critical"];
/** A crossing costs some 5 us of the host's time: about 2 ns a point. */
const CALL_POINTS = 2500;
const POINTS_PER_CHARACTER = 1;

export interface FilterWorldParts {
  readonly vm: Guest;
  /** Takes fuel for work the host does on the guest's behalf. */
  readonly take: (points: number) => void;
  /** Before a callback and after it. */
  readonly around: <T>(callback: string, run: () => T) => T;
}

/** What the component may import. */
export function filterImports({ vm, take }: FilterWorldParts): ComponentImports {
  const allowed = vm.options.allowedCapabilities;
  const may = (name: string): boolean => allowed === null || allowed.includes(name);
  const host = {
    log: (name: string, message: string): void => {
      take(CALL_POINTS + message.length * POINTS_PER_CHARACTER);
      const at = LEVELS.indexOf(name);
      trace(vm, `log(${name}, ${JSON.stringify(message.slice(0, 200))})`);
      const { services } = vm.options;
      if (!may("proxy_log") || at < services.logLevel()) return;
      services.log(at < 0 ? level.INFO : at, vm.contextId, message.slice(0, MAX_LOG_BYTES));
    },
    getConfig: (): string => {
      if (vm.contextId === 0)
        vm.abort("restricted_callback", "get-config is not allowed during start-up; do it in on-configure or later");
      const text = may("proxy_get_buffer_bytes") ? (vm.context.plugin?.configuration ?? "") : "";
      take(CALL_POINTS + text.length * POINTS_PER_CHARACTER);
      trace(vm, `get-config() = ${text.length} characters`);
      return text;
    },
  };
  // jco writes the version in some places and leaves it out in others.
  return { [INTERFACE]: host, [`${INTERFACE}@0.1.0`]: host };
}

function trace(vm: Guest, words: string): void {
  vm.options.trace?.hostCall(words);
}

type Callbacks = Readonly<Record<string, (...args: number[]) => number>>;

/** The callbacks a module would export, as far as the component exports something for them. */
export function filterCallbacks(parts: FilterWorldParts, exports: ComponentExports): WebAssembly.Exports {
  const { vm, around } = parts;
  const callbacks: Record<string, Callbacks[string]> = {};
  const { onConfigure, onRequest, onResponse } = exports;
  if (typeof onConfigure === "function")
    callbacks["proxy_on_configure"] = () => around("proxy_on_configure", () => configure(vm, onConfigure as Configure));
  if (typeof onRequest === "function")
    callbacks["proxy_on_request_headers"] = () =>
      around("proxy_on_request_headers", () => answer(vm, maps.HTTP_REQUEST_HEADERS, onRequest as Answer, requestOf));
  if (typeof onResponse === "function")
    callbacks["proxy_on_response_headers"] = () =>
      around("proxy_on_response_headers", () =>
        answer(vm, maps.HTTP_RESPONSE_HEADERS, onResponse as Answer, responseOf),
      );
  return callbacks;
}

type Configure = (config: string) => unknown;
type Answer = (message: unknown) => unknown;

/** What a result of `err` holds, jco throws as it is. */
function configure(vm: Guest, run: Configure): number {
  const config = vm.context.buffer(buffers.PLUGIN_CONFIGURATION)?.toString("utf8") ?? "";
  try {
    run(config);
    return 1;
  } catch (error) {
    if (typeof error !== "string") throw error;
    vm.options.services.log(level.ERROR, vm.contextId, error.slice(0, MAX_LOG_BYTES));
    return 0;
  }
}

function answer(vm: Guest, map: number, run: Answer, recordOf: (list: HeaderList) => unknown): number {
  const list = vm.context.headers(map);
  if (list === null) return action.CONTINUE;
  return applyAction(vm, map, run(recordOf(list)));
}

function requestOf(list: HeaderList): unknown {
  const pseudo = (name: string): string => firstHeader(list, name) ?? "";
  return {
    method: pseudo(":method"),
    path: pseudo(":path"),
    authority: pseudo(":authority"),
    scheme: pseudo(":scheme"),
    headers: pairsOf(list),
  };
}

const responseOf = (list: HeaderList): unknown => ({
  status: Number(firstHeader(list, ":status") ?? 0),
  headers: pairsOf(list),
});

function pairsOf(list: HeaderList): [string, string][] {
  const pairs: [string, string][] = [];
  for (let at = 0; at < list.length; at += 2) {
    const name = list[at] as string;
    if (name.charCodeAt(0) !== 58) pairs.push([name, list[at + 1] as string]);
  }
  return pairs;
}
