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

function propertyCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_get_property(path: number, pathSize: number, pointer: number, size: number): number {
      const text = memory.text(path, pathSize);
      if (text === null) return status.INVALID_MEMORY_ACCESS;
      const segments = parsePropertyPath(text);
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
      return vm.context.setProperty(segments, bytes);
    },
    proxy_get_configuration(pointer: number, size: number): number {
      const bytes = vm.context.buffer(buffers.PLUGIN_CONFIGURATION) ?? vm.context.buffer(buffers.VM_CONFIGURATION);
      return memory.giveBytes(bytes ?? Buffer.alloc(0), pointer, size);
    },
  };
}

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
