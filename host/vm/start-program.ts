// Makes an instance of a program, whatever its format, and says what the rest of the VM needs of it. Called once by Vm,
// under its guard: whatever is thrown here ends the instance.
import { type ComponentProgram, isComponent, type Program } from "../module/component/program.ts";
import { filterCallbacks, filterImports, type FilterWorldParts } from "./component/filter-world.ts";
import { linkComponent } from "./component/link.ts";
import { Meter, TextLimitError } from "./component/metered-decoder.ts";
import { GuestAbort, messageOf, reasonOf } from "./faults.ts";
import type { Guest } from "./guest.ts";
import { buildImports } from "./imports.ts";
import type { Profile } from "./profile.ts";

export interface Running {
  /** Callbacks, allocator and start-up functions by their names of the ABI. */
  readonly exports: WebAssembly.Exports;
  /** Exports of each core instance: where the fuel counters are. */
  readonly parts: readonly WebAssembly.Exports[];
  /** Of linear memory. */
  readonly memories: readonly WebAssembly.Memory[];
}

export function startProgram(program: Program, vm: Guest, profile: Profile | null): Running {
  if (isComponent(program)) return startComponent(program, vm, profile);
  const { exports } = new WebAssembly.Instance(program, buildImports(vm, program, profile));
  return { exports, parts: [exports], memories: memoriesOf([exports]) };
}

function startComponent(program: ComponentProgram, vm: Guest, profile: Profile | null): Running {
  if (profile !== null)
    vm.abort("trap", "a component runs in sluice alone; other hosts' profiles are for core modules");
  const meter = new Meter();
  const around: FilterWorldParts["around"] = (callback, run) => {
    meter.reset();
    vm.fuel.fill();
    try {
      const result = run();
      if (vm.memoryBytes > vm.options.memoryBytes) vm.abort("oom", "its memories together are over limits.memory");
      if ((vm.fuelLeft ?? 0) < 0) vm.abort("fuel", "its parts together used more than the budget of a callback");
      vm.fuel.count(callback);
      return result;
    } catch (error) {
      throw asFault(vm, error);
    }
  };
  const world: FilterWorldParts = { vm, take: (points) => vm.charge(points), around };
  const { exports, parts } = linkComponent(program, filterImports(world), meter);
  return { exports: filterCallbacks(world, exports), parts, memories: memoriesOf(parts) };
}

/** Whatever the glue throws, the component has ended: its own traps come rewritten, or as errors of JavaScript. */
function asFault(vm: Guest, error: unknown): unknown {
  if (error instanceof GuestAbort) return error;
  if (reasonOf(error) !== "host_error") return error;
  return vm.abort("trap", error instanceof TextLimitError ? error.message : `component: ${messageOf(error)}`);
}

/** Those a part exports, each once: parts share one. */
const memoriesOf = (parts: readonly WebAssembly.Exports[]): readonly WebAssembly.Memory[] => [
  ...new Set(parts.flatMap((exports) => Object.values(exports).filter((one) => one instanceof WebAssembly.Memory))),
];
