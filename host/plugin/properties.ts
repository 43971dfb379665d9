// The properties that need no stream: the plugin's names, the node, and how busy the thread is (abi.md 10.1, 10.2). Null =
// not there.
import { encodeDouble, encodeInt, encodeText } from "../abi/property-path.ts";
import type { HandOver } from "./hand-over.ts";
import type { FilterOptions } from "./options.ts";
import type { NodeIdentity, PluginServices } from "./services.ts";

export interface HostPropertySource {
  readonly options: FilterOptions;
  readonly services: PluginServices;
  readonly vm: { readonly fuelLeft: number | null };
  readonly handOver?: HandOver;
}

type Read = (source: HostPropertySource, path: readonly string[]) => Uint8Array | null;

const optional = (value: string | undefined): Uint8Array | null =>
  value === undefined || value === "" ? null : encodeText(value);

const SYSTEM: Readonly<Record<string, Read>> = {
  load1: ({ services: { system } }) => (system === undefined ? null : encodeDouble(system.load1())),
  cpu: ({ services: { system } }) => (system === undefined ? null : encodeDouble(system.cpu())),
  eventloop_lag_p99: ({ services: { system } }) =>
    system === undefined ? null : encodeDouble(system.eventLoopLagP99()),
};

const OWN: Readonly<Record<string, Read>> = {
  worker: ({ services: { worker } }) => (worker === undefined ? null : encodeInt(worker)),
  fuel_left: ({ vm: { fuelLeft } }) => (fuelLeft === null ? null : encodeInt(fuelLeft)),
  snapshot_version: ({ handOver }) => optional(handOver?.given?.version),
  system: (source, path) => member(SYSTEM, path[2])?.(source, path) ?? null,
};

/** Leaves of `xds.node`; the message as a whole has no value here (abi.md 10.1). */
function readNode(node: NodeIdentity | undefined, [first, second]: readonly string[]): Uint8Array | null {
  if (node === undefined) return null;
  if (first === "id") return optional(node.id);
  if (first === "metadata") return optional(member(node.labels, second));
  if (first !== "locality") return null;
  return second === "region" ? optional(node.region) : second === "zone" ? optional(node.zone) : null;
}

const ROOTS: Readonly<Record<string, Read>> = {
  plugin_name: ({ options }) => encodeText(options.name),
  plugin_root_id: ({ options }) => encodeText(options.rootId),
  plugin_vm_id: ({ options }) => encodeText(options.vmName ?? options.vmId),
  sluice: (source, path) => member(OWN, path[1])?.(source, path) ?? null,
  node: ({ services }, path) => readNode(services.node, path.slice(1)),
  xds: ({ services }, path) => (path[1] === "node" ? readNode(services.node, path.slice(2)) : null),
};

function member<T>(table: Readonly<Record<string, T>>, name: string | undefined): T | undefined {
  return name !== undefined && Object.hasOwn(table, name) ? table[name] : undefined;
}

export function readHostProperty(source: HostPropertySource, path: readonly string[]): Uint8Array | null {
  return member(ROOTS, path[0])?.(source, path) ?? null;
}

/** Nobody can set it: the host's own, whether it has a value now or not. */
export const isHostProperty = (path: readonly string[]): boolean => member(ROOTS, path[0]) !== undefined;
