// The part of WASI preview 1 a filter may see: none of it reaches the machine, clock and randomness are injected
// (abi.md 12). Served as `wasi_snapshot_preview1` and as `wasi_unstable`.
import { MAX_RANDOM_BYTES } from "../abi/limits.ts";
import type { HostFunctions } from "./host-function.ts";
import type { Guest } from "./guest.ts";

const SUCCESS = 0;
const BADF = 8;
const FAULT = 21;
const INVAL = 28;
const NOENT = 44;
const NOSYS = 52;
const NOTDIR = 54;
const NOTSUP = 58;
const STDOUT = 1;
const STDERR = 2;
const RIGHT_FD_WRITE = 64n;
/** Most iovecs of one write; more is a guest gone wrong. */
const MAX_IOVECS = 1024;

const isOutput = (fd: number): boolean => fd === STDOUT || fd === STDERR;

export function wasiCalls(vm: Guest): HostFunctions {
  return { ...outputCalls(vm), ...worldCalls(vm), ...environmentCalls(vm), ...inertCalls(), ...countingCalls(vm) };
}

function outputCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  const gather = (iovs: number, count: number): Buffer | null => {
    const parts: Buffer[] = [];
    for (let at = iovs >>> 0; parts.length < Math.min(count >>> 0, MAX_IOVECS); at += 8) {
      const pointer = memory.u32(at);
      const size = memory.u32(at + 4);
      const part = pointer === null || size === null ? null : memory.copy(pointer, size);
      if (part === null) return null;
      parts.push(part);
    }
    return Buffer.concat(parts);
  };
  const write = (fd: number, iovs: number, count: number, out: number): number => {
    if (!isOutput(fd)) return BADF;
    const bytes = gather(iovs, count);
    if (bytes === null || !memory.setU32(out, bytes.length)) return FAULT;
    if (bytes.length > 0) vm.output.write(fd === STDOUT ? "stdout" : "stderr", bytes);
    return SUCCESS;
  };
  return {
    fd_write: write,
    fd_pwrite: (fd: number, iovs: number, count: number, _offset: bigint, out: number): number =>
      write(fd, iovs, count, out),
    fd_fdstat_get(fd: number, stat: number): number {
      if (!isOutput(fd)) return BADF;
      return memory.setBytes(stat, new Uint8Array(24)) && memory.setU64(stat + 8, RIGHT_FD_WRITE) ? SUCCESS : FAULT;
    },
    fd_tell: (fd: number, out: number): number => (isOutput(fd) ? (memory.setU64(out, 0n) ? SUCCESS : FAULT) : BADF),
  };
}

function worldCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  const { clock, random } = vm.options.services;
  return {
    clock_time_get(id: number, _precision: bigint, out: number): number {
      if (id !== 0 && id !== 1) return NOTSUP;
      const nanos = id === 0 ? vm.nowNanos() : BigInt(Math.round(clock.monotonicMs() * 1e6));
      return memory.setU64(out, nanos) ? SUCCESS : FAULT;
    },
    clock_res_get: (id: number, out: number): number =>
      id !== 0 && id !== 1 ? NOTSUP : memory.setU64(out, 1n) ? SUCCESS : FAULT,
    random_get(pointer: number, size: number): number {
      if (size >>> 0 > MAX_RANDOM_BYTES) return INVAL;
      if (size === 0) return SUCCESS;
      const bytes = memory.borrow(pointer, size);
      if (bytes === null) return FAULT;
      random.fill(bytes);
      return SUCCESS;
    },
    proc_exit: (code: number): void => vm.abort("proc_exit", `proc_exit(${code})`),
    proc_raise: (signal: number): number => vm.abort("trap", `proc_raise(${signal})`),
    sched_yield: (): number => SUCCESS,
    poll_oneoff: (_in: number, _out: number, _count: number, events: number): number =>
      memory.setU32(events, 0) ? SUCCESS : FAULT,
  };
}

function environmentCalls(vm: Guest): HostFunctions {
  const { memory } = vm;
  const entries = Object.entries(vm.options.environment).map(([name, value]) => Buffer.from(`${name}=${value}\0`));
  const total = entries.reduce((sum, entry) => sum + entry.length, 0);
  const zeroes = (count: number, bytes: number): number =>
    memory.setU32(count, 0) && memory.setU32(bytes, 0) ? SUCCESS : FAULT;
  return {
    environ_sizes_get: (count: number, bytes: number): number =>
      memory.setU32(count, entries.length) && memory.setU32(bytes, total) ? SUCCESS : FAULT,
    environ_get(pointers: number, text: number): number {
      let at = text;
      for (const [index, entry] of entries.entries()) {
        if (!memory.setU32(pointers + index * 4, at) || !memory.setBytes(at, entry)) return FAULT;
        at += entry.length;
      }
      return SUCCESS;
    },
    args_sizes_get: zeroes,
    args_get: (): number => SUCCESS,
  };
}

const ALWAYS: Readonly<Record<string, number>> = {
  fd_seek: SUCCESS,
  fd_close: SUCCESS,
  fd_advise: SUCCESS,
  fd_fdstat_set_flags: NOSYS,
  fd_read: NOSYS,
  fd_pread: NOSYS,
  fd_prestat_dir_name: NOSYS,
  fd_prestat_get: BADF,
  fd_filestat_get: BADF,
  path_open: NOENT,
};
const OUTPUT_ONLY = [
  "fd_allocate",
  "fd_datasync",
  "fd_sync",
  "fd_fdstat_set_rights",
  "fd_filestat_set_size",
  "fd_filestat_set_times",
];
const PATH_CALLS = "create_directory filestat_get filestat_set_times link remove_directory rename symlink unlink_file";
const UNSUPPORTED = PATH_CALLS.split(" ")
  .map((name) => `path_${name}`)
  .concat("sock_accept", "sock_shutdown");

/** Refused, with their counts set to 0: a guest may look at them without looking at the errno. */
function countingCalls({ memory }: Guest): HostFunctions {
  const zero = (errno: number, ...outs: number[]): number =>
    outs.every((out) => memory.setU32(out, 0)) ? errno : FAULT;
  return {
    fd_readdir: (_fd: number, _buffer: number, _size: number, _cookie: bigint, used: number) => zero(NOTDIR, used),
    path_readlink: (_fd: number, _path: number, _pathSize: number, _buffer: number, _size: number, used: number) =>
      zero(NOTSUP, used),
    sock_recv: (_fd: number, _iovs: number, _count: number, _flags: number, size: number, flags: number) =>
      zero(NOTSUP, size, flags),
    sock_send: (_fd: number, _iovs: number, _count: number, _flags: number, size: number) => zero(NOTSUP, size),
  };
}

function inertCalls(): HostFunctions {
  const calls: Record<string, (fd: number) => number> = { fd_renumber: (fd) => (isOutput(fd) ? NOTSUP : BADF) };
  for (const [name, answer] of Object.entries(ALWAYS)) calls[name] = () => answer;
  for (const name of OUTPUT_ONLY) calls[name] = (fd) => (isOutput(fd) ? SUCCESS : BADF);
  for (const name of UNSUPPORTED) calls[name] = () => NOTSUP;
  return calls as HostFunctions;
}
