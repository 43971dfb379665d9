// Host functions: shared data, shared queues, metrics (abi.md 5.6, 5.7).
import * as metric from "../../sdk/assembly/abi/metric.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";

export function sharedCalls(vm: Guest): HostFunctions {
  return { ...dataCalls(vm), ...queueCalls(vm), ...metricCalls(vm) };
}

function dataCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_get_shared_data(key: number, keySize: number, pointer: number, size: number, cas: number): number {
      const name = memory.text(key, keySize);
      if (name === null) return status.INVALID_MEMORY_ACCESS;
      const { shared, vmId } = vm.services;
      const entry = shared.get(vmId, name);
      if (entry === undefined) return status.NOT_FOUND;
      if (!memory.writable(cas, cas)) return status.INVALID_MEMORY_ACCESS;
      const given = memory.giveBytes(entry.value, pointer, size);
      if (given === status.OK) memory.setU32(cas, entry.cas);
      return given;
    },
    proxy_set_shared_data(key: number, keySize: number, value: number, valueSize: number, cas: number): number {
      const name = memory.text(key, keySize);
      const bytes = memory.copy(value, valueSize);
      if (name === null || bytes === null) return status.INVALID_MEMORY_ACCESS;
      const { shared, vmId } = vm.services;
      return shared.set(vmId, name, bytes, cas >>> 0);
    },
  };
}

function queueCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_register_shared_queue(name: number, size: number, out: number): number {
      const text = memory.text(name, size);
      if (text === null || !memory.writable(out, out)) return status.INVALID_MEMORY_ACCESS;
      const id = vm.context.registerQueue(text);
      if (id === 0) return status.INTERNAL_FAILURE;
      memory.setU32(out, id);
      return status.OK;
    },
    proxy_resolve_shared_queue(space: number, spaceSize: number, name: number, size: number, out: number): number {
      const namespace = memory.text(space, spaceSize);
      const text = memory.text(name, size);
      if (namespace === null || text === null) return status.INVALID_MEMORY_ACCESS;
      const { queues, vmId } = vm.services;
      const id = queues.resolve(namespace === "" ? vmId : namespace, text);
      if (id === 0) return status.NOT_FOUND;
      return memory.setU32(out, id) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
    proxy_enqueue_shared_queue(id: number, value: number, size: number): number {
      const bytes = memory.copy(value, size);
      return bytes === null ? status.INVALID_MEMORY_ACCESS : vm.services.queues.enqueue(id >>> 0, bytes);
    },
    proxy_dequeue_shared_queue(id: number, pointer: number, size: number): number {
      if (!memory.writable(pointer, size)) return status.INVALID_MEMORY_ACCESS;
      const item = vm.services.queues.dequeue(id >>> 0);
      return typeof item === "number" ? item : memory.giveBytes(item, pointer, size);
    },
  };
}

function metricCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_define_metric(type: number, name: number, size: number, out: number): number {
      if (type >>> 0 > metric.HISTOGRAM) return status.BAD_ARGUMENT;
      const text = memory.text(name, size);
      if (text === null) return status.INVALID_MEMORY_ACCESS;
      const id = vm.services.metrics.define(vm.services.scope, type, text);
      if (id < 0) return id === -1 ? status.BAD_ARGUMENT : status.INTERNAL_FAILURE;
      return memory.setU32(out, id) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
    proxy_record_metric: (id: number, value: bigint): number =>
      vm.services.metrics.record(id >>> 0, BigInt.asUintN(64, value)),
    proxy_increment_metric: (id: number, delta: bigint): number => vm.services.metrics.increment(id >>> 0, delta),
    proxy_get_metric(id: number, out: number): number {
      const value = vm.services.metrics.get(id >>> 0);
      if (typeof value === "number") return value;
      return memory.setU64(out, value) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
  };
}
