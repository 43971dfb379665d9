// Host function: name look-ups, which Envoy offers beside the ABI (abi.md 3.5).
import * as status from "../../sdk/assembly/abi/status.ts";
import type { Guest } from "./guest.ts";
import type { HostFunctions } from "./host-function.ts";

export function dnsCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    envoy_resolve_dns(name: number, size: number, out: number): number {
      const text = memory.text(name, size);
      // Written before anything is asked, so that a bad address asks nothing.
      if (text === null || !memory.setU32(out, 0)) return status.INVALID_MEMORY_ACCESS;
      const token = vm.context.resolveDns(text);
      if (token < 0) return -token;
      memory.setU32(out, token);
      return status.OK;
    },
  };
}
