// Host functions: shared data, shared queues, metrics (abi.md 5.6, 5.7).
import * as metric from "../../sdk/assembly/abi/metric.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";

/** Of proxy_define_metric, beside what every host call costs. */
const DEFINE_POINTS = 10_000;
const STALE_CAS = "{} has changed since it was read: read it again and try with its new cas";
const NO_ROOM = "{} is not stored: keys have at most 1 KiB, values 1 MiB, and the namespace has a size";
const NO_QUEUE = "there is no shared queue {}";
const NO_METRIC = "there is no metric {}, or its type does not take this";

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
      if (entry === undefined) return vm.refuse(status.NOT_FOUND, "there is no shared data under {}", name);
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
      const answer = shared.set(vmId, name, bytes, cas >>> 0);
      if (answer === status.OK) return answer;
      if (answer === status.CAS_MISMATCH) return vm.refuse(answer, STALE_CAS, name);
      return vm.overLimit("sharedData", answer, NO_ROOM, name);
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
      if (id === 0) return vm.overLimit("sharedQueue", status.INTERNAL_FAILURE, "no room for another queue: {}", text);
      memory.setU32(out, id);
      return status.OK;
    },
    proxy_resolve_shared_queue(space: number, spaceSize: number, name: number, size: number, out: number): number {
      const namespace = memory.text(space, spaceSize);
      const text = memory.text(name, size);
      if (namespace === null || text === null) return status.INVALID_MEMORY_ACCESS;
      const { queues, vmId, vmName } = vm.services;
      const { namespaces } = vm.options.rights;
      if (namespace !== "" && namespaces?.includes(namespace) === false)
        return vm.deny("namespace", status.NOT_FOUND, "the namespace {} is not among the filter's", namespace);
      const id = queues.resolve(namespace === "" || namespace === vmName ? vmId : namespace, text);
      if (id === 0) return vm.refuse(status.NOT_FOUND, "nobody has registered the queue {}", text);
      return memory.setU32(out, id) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
    proxy_enqueue_shared_queue(id: number, value: number, size: number): number {
      const bytes = memory.copy(value, size);
      if (bytes === null) return status.INVALID_MEMORY_ACCESS;
      const answer = vm.services.queues.enqueue(id >>> 0, bytes);
      if (answer === status.OK) return answer;
      if (answer === status.NOT_FOUND) return vm.refuse(answer, NO_QUEUE, id);
      return vm.overLimit("sharedQueue", answer, "the queue {} is full", id);
    },
    proxy_dequeue_shared_queue(id: number, pointer: number, size: number): number {
      if (!memory.writable(pointer, size)) return status.INVALID_MEMORY_ACCESS;
      const item = vm.services.queues.dequeue(id >>> 0);
      if (typeof item !== "number") return memory.giveBytes(item, pointer, size);
      return vm.refuse(item, item === status.EMPTY ? "the queue {} is empty" : NO_QUEUE, id);
    },
  };
}

function metricCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  return {
    proxy_define_metric(type: number, name: number, size: number, out: number): number {
      if (type >>> 0 > metric.HISTOGRAM) return vm.refuse(status.BAD_ARGUMENT, "there is no metric type {}", type);
      const text = memory.text(name, size);
      if (text === null) return status.INVALID_MEMORY_ACCESS;
      // Looks through all names: work that no other counter sees.
      vm.charge(DEFINE_POINTS);
      const id = vm.services.metrics.define(vm.services.scope, type, text, vm.options.limits.metrics);
      if (id === -1)
        return vm.refuse(status.BAD_ARGUMENT, "{} is no name for a metric, or has another type already", text);
      if (id < 0)
        return vm.overLimit(
          "metrics",
          status.INTERNAL_FAILURE,
          "{} would be one metric too many for this filter",
          text,
        );
      return memory.setU32(out, id) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
    proxy_record_metric(id: number, value: bigint): number {
      const answer = vm.services.metrics.record(id >>> 0, BigInt.asUintN(64, value));
      if (answer === status.OK) vm.context.measured?.(id >>> 0, Number(value));
      return answer === status.OK ? answer : vm.refuse(answer, NO_METRIC, id);
    },
    proxy_increment_metric(id: number, delta: bigint): number {
      const answer = vm.services.metrics.increment(id >>> 0, delta);
      if (answer === status.OK) vm.context.measured?.(id >>> 0, Number(delta));
      return answer === status.OK ? answer : vm.refuse(answer, NO_METRIC, id);
    },
    proxy_get_metric(id: number, out: number): number {
      const value = vm.services.metrics.get(id >>> 0);
      if (typeof value === "number") return vm.refuse(value, NO_METRIC, id);
      return memory.setU64(out, value) ? status.OK : status.INVALID_MEMORY_ACCESS;
    },
  };
}
