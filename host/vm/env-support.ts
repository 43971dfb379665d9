// Host functions: properties and foreign functions (abi.md 5.8), configuration of ABI 0.1.0, and what compilers import
// besides (abi.md 12.2).
import * as buffers from "../../sdk/assembly/abi/buffer.ts";
import * as level from "../../sdk/assembly/abi/log-level.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import { parsePropertyPath } from "../abi/property-path.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";

export function supportCalls(vm: Guest): HostFunctions {
  return { ...propertyCalls(vm), ...foreignCalls(vm), ...compilerCalls(vm) };
}

const NO_RIGHT = "the filter's allowedProperties do not name {}";

/** Whether one of the filter's prefixes is the path or begins it, at a segment's end. */
function mayTouch(vm: Guest, path: readonly string[]): boolean {
  const { properties } = vm.options.rights;
  if (properties === null) return true;
  const text = path.join(".");
  return properties.some((prefix) => text === prefix || text.startsWith(`${prefix}.`));
}

function propertyCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_get_property(path: number, pathSize: number, pointer: number, size: number): number {
      const text = memory.text(path, pathSize);
      if (text === null) return status.INVALID_MEMORY_ACCESS;
      const segments = parsePropertyPath(text);
      if (segments !== null && !mayTouch(vm, segments)) return vm.deny("property", status.NOT_FOUND, NO_RIGHT, text);
      const value = segments === null ? null : vm.context.property(segments);
      if (value === null) return vm.refuse(status.NOT_FOUND, "the property {} is not there, or not yet", text);
      return memory.giveBytes(value, pointer, size);
    },
    proxy_set_property(path: number, pathSize: number, value: number, valueSize: number): number {
      const text = memory.text(path, pathSize);
      const bytes = memory.copy(value, valueSize);
      if (text === null || bytes === null) return status.INVALID_MEMORY_ACCESS;
      const segments = parsePropertyPath(text);
      if (segments === null) return vm.refuse(status.NOT_FOUND, "the path {} has an empty segment", text);
      if (!mayTouch(vm, segments)) return vm.deny("property", status.BAD_ARGUMENT, NO_RIGHT, text);
      return vm.context.setProperty(segments, bytes);
    },
    proxy_get_configuration(pointer: number, size: number): number {
      const bytes = vm.context.buffer(buffers.PLUGIN_CONFIGURATION) ?? vm.context.buffer(buffers.VM_CONFIGURATION);
      return memory.giveBytes(bytes ?? Buffer.alloc(0), pointer, size);
    },
  };
}

const NOTHING = new Uint8Array(0);
/** What foreign functions cost beside what every host call does: about the time they may take, at 2 ns a point. */
const FOREIGN_POINTS: Readonly<Record<string, number>> = {
  sign: 2_000_000,
  verify_signature: 500_000,
  compress: 200_000,
  uncompress: 200_000,
  "sluice.verify_jws": 500_000,
  "sluice.kv_keys": 100_000,
};
const foreignPoints = (name: string): number =>
  Object.hasOwn(FOREIGN_POINTS, name) ? (FOREIGN_POINTS[name] ?? 0) : 500;

function foreignCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    // Unlike other calls, outputs are written on any status; an output address of 0 means "not wanted".
    proxy_call_foreign_function(
      name: number,
      nameSize: number,
      args: number,
      argsSize: number,
      pointer: number,
      size: number,
    ): number {
      const text = memory.text(name, nameSize);
      const bytes = memory.copy(args, argsSize);
      if (text === null || bytes === null) return status.INVALID_MEMORY_ACCESS;
      const { foreignFunctions } = vm.options.rights;
      if (foreignFunctions !== null && !foreignFunctions.includes(text)) {
        // NOT_FOUND, so that a filter falls back as on a host without it (decisions.md 11).
        const denied = vm.deny("foreign_function", status.NOT_FOUND, "the function {} is not among the filter's", text);
        if (pointer !== 0 && size !== 0) memory.giveBytes(NOTHING, pointer, size);
        return denied;
      }
      vm.charge(foreignPoints(text));
      const result = vm.context.foreign(text, bytes);
      if (result.status !== status.OK)
        vm.refusal.note(result.reason ?? "the function {} refuses its arguments", result.subject ?? text);
      if (pointer === 0 || size === 0) return result.status;
      const given = memory.giveBytes(result.bytes, pointer, size);
      return given === status.OK ? result.status : given;
    },
  };
}

/** Longest message of `env.abort` that is read, in UTF-16 code units. */
const MAX_ABORT_CHARS = 512;

function compilerCalls(vm: Guest): HostFunctions {
  const utf16 = (pointer: number): string => {
    const size = pointer === 0 ? 0 : (vm.memory.u32(pointer - 4) ?? 0);
    const bytes = vm.memory.copy(pointer, Math.min(size, MAX_ABORT_CHARS * 2));
    return bytes === null ? "" : bytes.toString("utf16le");
  };
  return {
    emscripten_notify_memory_growth: (): void => {},
    pthread_equal: (a: number, b: number): number => (a === b ? 1 : 0),
    abort(message: number, file: number, line: number, column: number): void {
      const text = `abort: ${utf16(message)} at ${utf16(file)}:${line}:${column}`;
      vm.options.services.log(level.CRITICAL, 0, text);
      vm.abort("trap", text);
    },
  };
}
