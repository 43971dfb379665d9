// Host functions: log, time, tick, status, contexts (abi.md 5.1).
import * as level from "../../sdk/assembly/abi/log-level.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import { MAX_LOG_BYTES } from "../abi/limits.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";

export function lifecycleCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    // Allowed in every phase, so it goes round the restricted services.
    proxy_log(logLevel: number, message: number, size: number): number {
      if (logLevel >>> 0 > level.CRITICAL) return vm.refuse(status.BAD_ARGUMENT, "there is no log level {}", logLevel);
      const services = vm.options.services;
      const bytes = memory.borrow(message, size);
      if (bytes === null) return status.INVALID_MEMORY_ACCESS;
      if (logLevel < services.logLevel()) return status.OK;
      services.log(logLevel, vm.contextId, bytes.toString("utf8", 0, MAX_LOG_BYTES));
      return status.OK;
    },
    proxy_get_log_level(out: number): number {
      return memory.setU32(out, vm.services.logLevel()) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
    proxy_get_current_time_nanoseconds(out: number): number {
      void vm.services.clock;
      return memory.setU64(out, vm.nowNanos()) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
    proxy_set_tick_period_milliseconds: (ms: number): number => vm.context.setTickPeriod(ms >>> 0),
    proxy_get_status(code: number, message: number, size: number): number {
      const answer = vm.context.callStatus();
      if (!memory.writable(code, code)) return status.INVALID_MEMORY_ACCESS;
      const given = memory.giveText(answer.message, message, size);
      if (given === status.OK) memory.setU32(code, answer.code);
      return given;
    },
    proxy_done: (): number => vm.context.done(),
    proxy_set_effective_context(id: number): number {
      void vm.context.id;
      return vm.setEffectiveContext(id >>> 0);
    },
  };
}
