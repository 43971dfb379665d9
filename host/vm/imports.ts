// The import object of one instance: the ABI's functions, WASI under its two names, and a stub for what is not allowed or
// not known. Only what the module imports is built.
import * as status from "../../sdk/assembly/abi/status.ts";
import { callInWords } from "./call-words.ts";
import { bufferCalls } from "./env-buffers.ts";
import type { Guest } from "./guest.ts";
import type { HostFunction, HostFunctions } from "./host-function.ts";
import { dnsCalls } from "./env-dns.ts";
import { grpcCalls } from "./env-grpc.ts";
import { headerCalls } from "./env-headers.ts";
import { lifecycleCalls } from "./env-lifecycle.ts";
import type { Profile } from "./profile.ts";
import { sharedCalls } from "./env-shared.ts";
import { streamCalls } from "./env-streams.ts";
import { supportCalls } from "./env-support.ts";

import { wasiCalls } from "./wasi.ts";

const WASI_NAMES = new Set(["wasi_snapshot_preview1", "wasi_unstable"]);
/** The WASI calls an allocator may make (abi.md 3.1). Those of `env` meet a restricted context instead. */
const WHILE_ALLOCATING = new Set(["fd_write", "clock_time_get", "poll_oneoff", "proc_exit", "proc_raise"]);
const RESTRICTABLE = /^(?:proxy|envoy)_/;
/** What a denied WASI call answers: NOTCAPABLE. */
const WASI_NOTCAPABLE = 76;

/** @param profile decorates the ABI's functions; null = as they are */
export function buildImports(vm: Guest, module: WebAssembly.Module, profile: Profile | null): WebAssembly.Imports {
  const own: HostFunctions = {
    ...lifecycleCalls(vm),
    ...headerCalls(vm),
    ...bufferCalls(vm),
    ...streamCalls(vm),
    ...grpcCalls(vm),
    ...sharedCalls(vm),
    ...supportCalls(vm),
    ...dnsCalls(vm),
  };
  const env = profile === null ? own : profile.calls(own);
  const wasi = wasiCalls(vm);
  const arity = (name: string): number => (own[name] ?? wasi[name])?.length ?? 0;
  const imports: Record<string, Record<string, WebAssembly.ImportValue>> = {};
  for (const { module: space, name, kind } of WebAssembly.Module.imports(module)) {
    const table = space === "env" ? env : WASI_NAMES.has(space) ? wasi : undefined;
    const target = (imports[space] ??= {});
    if (kind === "function" && table !== undefined)
      target[name] = hostFunction(vm, name, pick(vm, table, space, name), arity(name)) as WebAssembly.ImportValue;
    else if (kind === "memory")
      target[name] = new WebAssembly.Memory({ initial: 2, maximum: Math.floor(vm.options.memoryBytes / 65_536) });
  }
  return imports;
}

function pick(vm: Guest, table: HostFunctions, space: string, name: string): HostFunction {
  const allowed = vm.options.allowedCapabilities;
  if (allowed !== null && !allowed.includes(name) && RESTRICTABLE.test(name)) {
    // A filter falls back on NOT_FOUND only, and must do so here as well.
    const answer = name === "proxy_call_foreign_function" ? status.NOT_FOUND : status.INTERNAL_FAILURE;
    return denied(vm, name, stub(vm, `${name} is not in the filter's allowedCapabilities`, answer));
  }
  const known = table[name];
  if (known !== undefined)
    return space === "env" || WHILE_ALLOCATING.has(name) ? known : notInAllocator(vm, name, known);
  return stub(
    vm,
    `${space}.${name} is not known to this host; be ready for the status, or use a function of proxy-wasm 0.2.1`,
    space === "env" ? status.UNIMPLEMENTED : WASI_NOTCAPABLE,
  );
}

function notInAllocator(vm: Guest, name: string, run: HostFunction): HostFunction {
  const call = run as (...args: (number | bigint)[]) => number | undefined;
  return (...args: (number | bigint)[]) => {
    if (vm.allocating) vm.abort("restricted_callback", `${name} is not allowed during allocation`);
    return call(...args);
  };
}

function hostFunction(vm: Guest, name: string, run: HostFunction, arity: number): HostFunction {
  const { injector } = vm.options;
  const inner = injector === undefined ? run : injector.hostFunction(vm, name, run);
  return traced(vm, name, vm.hostCalls.record(name, inner, arity));
}

function traced(vm: Guest, name: string, run: HostFunction): HostFunction {
  const { trace } = vm.options;
  if (trace === undefined) return run;
  const call = run as (...args: (number | bigint)[]) => number | bigint | undefined;
  return (...args: (number | bigint)[]) => {
    const { refusal } = vm;
    const before = refusal.count;
    const answer = call(...args);
    if (trace.called !== undefined) {
      trace.called({ name, args, status: answer, memory: vm.memory });
      return answer;
    }
    // Read before the words are made, which look at the guest's memory once more.
    const outcome = { status: answer, reason: refusal.count === before ? "" : refusal.text };
    trace.hostCall(callInWords(name, args, outcome, { memory: vm.memory, show: trace.show }));
    return answer;
  };
}

/** As `stub`, counted each time. */
function denied(vm: Guest, name: string, answer: HostFunction): HostFunction {
  const say = answer as () => number;
  return () => {
    vm.options.limits.denied(name);
    return say();
  };
}

/** Says so once, then answers quietly: a guest in a loop must not fill the log. */
function stub(vm: Guest, reason: string, answer: number): HostFunction {
  let said = false;
  return () => {
    if (!said) vm.options.services.log(3, 0, `${reason}: answered with status ${answer}`);
    said = true;
    vm.refusal.note(reason);
    return answer;
  };
}

/** Marked for ABI 0.1.0 and nothing newer. */
export function isFirstVersion(module: WebAssembly.Module): boolean {
  const marks = WebAssembly.Module.exports(module).filter(({ name }) => name.startsWith("proxy_abi_version_"));
  return marks.length > 0 && marks.every(({ name }) => name === "proxy_abi_version_0_1_0");
}
