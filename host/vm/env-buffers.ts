// Host functions: body, data and configuration buffers (abi.md 5.2).
import * as status from "../../sdk/assembly/abi/status.ts";
import { BUFFER_NAMES } from "./abi-words.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";

/** FOREIGN_FUNCTION_ARGUMENTS, the last buffer; 4..8 are read-only. */
const LAST_BUFFER = 8;
const FIRST_READ_ONLY = 4;

const NO_BUFFER = "there is no buffer {}";

const absent = (vm: Guest, id: number): number =>
  vm.refuse(status.NOT_FOUND, "the buffer {} is not there in this callback", BUFFER_NAMES.get(id));

export function bufferCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_get_buffer_bytes(id: number, start: number, max: number, pointer: number, size: number): number {
      if (id >>> 0 > LAST_BUFFER) return vm.refuse(status.BAD_ARGUMENT, NO_BUFFER, id);
      const buffer = vm.context.buffer(id);
      if (buffer === null) return absent(vm, id);
      const from = Math.min(start >>> 0, buffer.length);
      const to = Math.min(from + (max >>> 0), buffer.length);
      return memory.giveBytes(buffer.subarray(from, to), pointer, size);
    },
    proxy_get_buffer_status(id: number, size: number, flags: number): number {
      if (id >>> 0 > LAST_BUFFER) return vm.refuse(status.BAD_ARGUMENT, NO_BUFFER, id);
      const buffer = vm.context.buffer(id);
      if (buffer === null) return absent(vm, id);
      if (!memory.writable(size, flags)) return status.INVALID_MEMORY_ACCESS;
      memory.setU32(size, buffer.length);
      memory.setU32(flags, 0);
      return status.OK;
    },
    // start 0 with size 0 prepends, a start at or past the end appends, anything else replaces (a superset of Envoy).
    proxy_set_buffer_bytes(id: number, start: number, size: number, data: number, length: number): number {
      if (id >>> 0 > LAST_BUFFER) return vm.refuse(status.BAD_ARGUMENT, NO_BUFFER, id);
      if (id >= FIRST_READ_ONLY)
        return vm.refuse(status.BAD_ARGUMENT, "the buffer {} is read-only", BUFFER_NAMES.get(id));
      const bytes = memory.copy(data, length);
      if (bytes === null) return status.INVALID_MEMORY_ACCESS;
      if (vm.context.buffer(id) === null) return absent(vm, id);
      return vm.context.replaceBuffer(id, start >>> 0, size >>> 0, bytes);
    },
  };
}
