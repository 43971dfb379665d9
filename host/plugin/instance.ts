// A filter instance: one VM with its plugin contexts, from start-up to its end. Built whole or not at all.
import { problemError, type ProblemError } from "../base/problem.ts";
import type { Program } from "../module/component/program.ts";
import type { GuestFault } from "../vm/faults.ts";
import type { VmOptions } from "../vm/guest.ts";
import type { SharedStore } from "../vm/ports.ts";
import { Vm } from "../vm/vm.ts";
import type { FilterLimits, FilterOptions } from "./options.ts";
import { PluginContext } from "./plugin-context.ts";
import type { PluginServices, SharedState } from "./services.ts";

export interface InstanceSpec {
  readonly options: FilterOptions;
  readonly version: string;
  /** Configurations, each of which becomes a plugin context; the first is the filter's own, the others route overrides. */
  readonly configs: readonly string[];
  /** Most points for a step of the start-up with the first configuration; absent = the general limit. */
  readonly startFuel?: number;
}

const ERROR_LEVEL = 4;

export class FilterInstance {
  readonly vm: Vm;
  readonly #contexts = new Map<string, PluginContext>();

  /** @throws ProblemError when the module does not start or refuses a configuration; nothing is left behind */
  constructor(module: Program, spec: InstanceSpec, services: PluginServices, onFault: (fault: GuestFault) => void) {
    const said: string[] = [];
    this.vm = new Vm(module, vmOptions(spec, services, said, onFault));
    if (this.vm.fault !== null) throw startProblem(spec, this.vm.fault, said);
    for (const config of spec.configs) {
      this.#configure(config, spec, services, said);
      this.vm.fuel.liftStartLimit();
    }
    said.length = 0;
  }

  #configure(config: string, spec: InstanceSpec, services: PluginServices, said: readonly string[]): void {
    const only = spec.configs.length === 1;
    const context = new PluginContext(this.vm, { options: spec.options, config, only }, services);
    const accepted = context.start(this.#contexts.size === 0);
    this.#contexts.set(config, context);
    if (accepted) return;
    const { fault } = this.vm;
    this.close(0);
    throw fault === null ? configProblem(spec, said) : startProblem(spec, fault, said);
  }

  /** The plugin context of a configuration; undefined for one that was not part of the spec. */
  context(config: string): PluginContext | undefined {
    return this.#contexts.get(config);
  }

  close(deadlineMs: number): void {
    for (const context of this.#contexts.values()) context.close(deadlineMs);
  }

  /** Stream contexts that live in this instance. */
  get streams(): number {
    return this.vm.contexts.size - this.#contexts.size;
  }

  /** After a fault: tells every live context, streams included, that the instance is gone. */
  abandon(): void {
    const orphans = this.vm.contexts.values();
    this.vm.contexts.clear();
    for (const orphan of orphans) orphan.abandoned();
  }

  /** Some stream may last for hours, and keeps its version as long. */
  get longLived(): boolean {
    return this.vm.contexts.values().some((context) => context.longLived === true);
  }

  /**
   * At the drain deadline: streams that are still here go on without this filter, by its failure policy. Connections stay
   * when `all` is false.
   */
  abandonStreams(all: boolean): void {
    const kept = new Set<unknown>(this.#contexts.values());
    for (const context of this.vm.contexts.values()) {
      if (kept.has(context) || (!all && context.longLived === true)) continue;
      this.vm.contexts.delete(context.id);
      context.abandoned();
    }
  }
}

function vmOptions(
  spec: InstanceSpec,
  services: PluginServices,
  said: string[],
  onFault: (fault: GuestFault) => void,
): VmOptions {
  const { options, version } = spec;
  const { limits } = options;
  return {
    services: {
      clock: services.clock,
      random: services.random,
      shared: withinCaps(services.shared, limits),
      queues: services.queues,
      metrics: services.metrics,
      vmId: options.vmId,
      vmName: options.vmName ?? options.vmId,
      scope: `${options.name}@${version}`,
      logLevel: () => services.logLevel(),
      log: (level: number, contextId: number, message: string) => {
        if (level >= ERROR_LEVEL) said.push(message);
        if (said.length > 16) said.shift();
        services.log({ level, filter: options.name, version, contextId, message }, limits.logLines);
      },
    },
    allowedCapabilities: options.allowedCapabilities,
    rights: {
      properties: options.allowedProperties,
      foreignFunctions: options.allowedForeignFunctions,
      namespaces: options.allowedNamespaces,
    },
    limits: {
      headers: { bytes: limits.headerBytes, count: limits.headers },
      metrics: limits.metrics,
      overLimit: (limit) => services.overLimit?.(options.name, limit),
      denied: (right) => services.denied?.(options.name, right),
    },
    environment: options.environment,
    fuel: limits.fuel,
    startFuel: spec.startFuel,
    memoryBytes: limits.memoryBytes,
    trace: services.trace,
    profile: services.profile,
    injector: services.injector,
    onFault,
  };
}

/** Shared data as this filter has it: its namespace is emptied to the filter's own caps. */
function withinCaps(shared: SharedState, { sharedDataKeys: keys, sharedDataBytes: bytes }: FilterLimits): SharedStore {
  const options = { caps: { keys, bytes } };
  return {
    get: (namespace, key) => shared.get(namespace, key),
    set: (namespace, key, value, cas) => shared.set(namespace, key, value, cas, options),
  };
}

function startProblem(spec: InstanceSpec, fault: GuestFault, said: readonly string[]): ProblemError {
  const words = said.length > 0 ? ` (${said.join("; ")})` : "";
  const message = `filter ${spec.options.name} ${spec.version}: ${fault.callback} ended with ${fault.reason}: ${fault.message}${words}`;
  return problemError("trap", `${fault.cause}_failed`, message);
}

function configProblem(spec: InstanceSpec, said: readonly string[]): ProblemError {
  const reason = said.length > 0 ? said.join("; ") : "it returned false and logged no reason";
  const message = `filter ${spec.options.name} ${spec.version}: proxy_on_configure refused the configuration: ${reason}`;
  return problemError("config", "configure_refused", message, {
    hint: "the reason is what the filter logged at level error",
  });
}
