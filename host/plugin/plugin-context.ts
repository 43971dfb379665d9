// A plugin context ("root context"): one configuration of a filter in one VM. Owns its call-outs and its tick; answers the
// host calls a guest makes outside any stream.
import { DEBUG, WARN } from "../../sdk/assembly/abi/log-level.ts";
import * as buffers from "../../sdk/assembly/abi/buffer.ts";
import * as status from "../../sdk/assembly/abi/status.ts";
import type { HeaderList } from "../abi/headers.ts";
import type { Status } from "../abi/status.ts";
import type { GuestCallback } from "../vm/callbacks.ts";
import type { ForeignResult, GuestHttpCall, Hostcalls } from "../vm/ports.ts";
import { FAULTED, type Vm } from "../vm/vm.ts";
import { Callouts } from "./callouts.ts";
import { DnsQueries } from "./dns-queries.ts";
import { GrpcCalls } from "./grpc-calls.ts";
import { HandOver } from "./hand-over.ts";
import type { QueueListener } from "./queue-bell.ts";
import { readHostProperty } from "./properties.ts";
import type { PluginServices } from "./services.ts";
import type { DeclaredProperty, ForeignContext, ForeignPlugin } from "./foreign/context.ts";
import { callForeign } from "./foreign/table.ts";
import type { FilterOptions } from "./options.ts";
import { Ticker } from "./ticker.ts";

export interface PluginContextSpec {
  readonly options: FilterOptions;
  readonly config: string;
  /** It stays the only plugin context of its VM. */
  readonly only: boolean;
}

const NO_STREAM = "this is a plugin context, without a stream: switch with proxy_set_effective_context";

const REPLY_IGNORED = "ignored: a plugin context has no stream to answer";

export class PluginContext implements Hostcalls, QueueListener, ForeignContext, ForeignPlugin {
  readonly id: number;
  readonly vm: Vm;
  readonly options: FilterOptions;
  readonly services: PluginServices;
  readonly callouts: Callouts;
  readonly grpc: GrpcCalls;
  readonly absentMap = status.BAD_ARGUMENT;
  /** `proxy_on_context_create` for a stream; null when the guest needs none. */
  readonly streamCreated: GuestCallback | null;
  /** Foreign functions called here have no stream. */
  readonly stream = null;
  declared: Map<string, DeclaredProperty> | null = null;
  readonly handOver = new HandOver();
  readonly #dns: DnsQueries;
  readonly configuration: string;
  readonly #config: Buffer;
  readonly #vmConfig: Buffer;
  #configuring = false;
  readonly #ticker: Ticker;
  #doneWanted: (() => void) | null = null;
  #closed = false;
  #saidIgnored = false;

  constructor(vm: Vm, { options, config, only }: PluginContextSpec, services: PluginServices) {
    this.streamCreated =
      only && vm.lazyStreams && services.announceStreams !== true ? null : vm.callbacks.onContextCreate;
    this.id = vm.contexts.nextId();
    this.vm = vm;
    this.options = options;
    this.services = services;
    this.configuration = config;
    this.#config = Buffer.from(config);
    this.#vmConfig = Buffer.from(options.vmConfig);
    this.callouts = new Callouts({
      port: services.callouts,
      nextId: () => vm.nextCallId(0),
      allowed: options.allowedUpstreams,
      limits: options.limits,
      vm,
      deliver: (id, headers, body, trailers) => {
        const callback = vm.callbacks.onHttpCallResponse;
        if (callback === null) return;
        vm.callWith(callback, this, "trap", [id, headers, body, trailers]);
        vm.settle();
      },
    });
    this.grpc = new GrpcCalls({
      port: services.grpc,
      allowed: options.allowedUpstreams,
      limits: options.limits,
      vm,
      run: (callback, id, value) => void vm.callWith(callback, this, "trap", [id, value]),
    });
    this.#dns = new DnsQueries({
      port: services.dns,
      allowed: options.allowedUpstreams,
      refuse: (answer, reason, subject) => vm.refuse(answer, reason, subject),
      deliver: (token, size) => {
        const callback = vm.callbacks.onResolveDns;
        if (callback !== null) vm.callWith(callback, this, "trap", [token, size]);
        vm.settle();
      },
    });
    this.#ticker = new Ticker({
      clock: services.clock,
      shortestMs: options.limits.tickPeriodMs,
      run: () => this.#runTick(),
      slowed: (periodMs) => this.#slowed(periodMs),
    });
    vm.contexts.add(this);
  }

  /** `proxy_on_context_create`, once per VM `proxy_on_vm_start`, then configure. false = refused or dead. */
  start(first: boolean): boolean {
    const { onContextCreate, onVmStart } = this.vm.callbacks;
    if (onContextCreate !== null && this.vm.callWith(onContextCreate, this, "start", [0]) === FAULTED) return false;
    if (first && onVmStart !== null && !isTrue(this.vm.callWith(onVmStart, this, "start", [this.#vmConfig.length])))
      return false;
    return this.#configure();
  }

  #configure(): boolean {
    const { onConfigure, validateConfiguration } = this.vm.callbacks;
    this.#configuring = true;
    const size = this.#config.length;
    const valid =
      validateConfiguration === null || isTrue(this.vm.callWith(validateConfiguration, this, "config", [size]));
    const accepted = valid && (onConfigure === null || isTrue(this.vm.callWith(onConfigure, this, "config", [size])));
    this.#configuring = false;
    this.vm.settle();
    return accepted;
  }

  /** Ends the context: on_done, at most `deadlineMs` for proxy_done, on_delete. Traps here are logged, never passed on. */
  close(deadlineMs: number): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ticker.stop();
    this.services.bell.forget(this);
    this.callouts.cancelAll();
    this.grpc.end();
    this.#dns.end();
    const { onDone } = this.vm.callbacks;
    const ready = onDone === null || this.vm.callWith(onDone, this, "trap", []) !== 0;
    if (ready) {
      this.#delete();
      return;
    }
    const timer = this.services.clock.after(deadlineMs, () => this.#delete());
    this.#doneWanted = () => {
      timer.cancel();
      this.#delete();
    };
    this.vm.settle();
  }

  #delete(): void {
    this.#doneWanted = null;
    if (!this.vm.contexts.delete(this.id)) return;
    const { onDelete } = this.vm.callbacks;
    if (onDelete !== null) this.vm.callWith(onDelete, this, "trap", []);
    this.vm.settle();
  }

  /** false = there is nothing more to tick. */
  #runTick(): boolean {
    const { onTick } = this.vm.callbacks;
    if (onTick === null || this.#closed || this.vm.callWith(onTick, this, "tick", []) === FAULTED) return false;
    this.vm.settle();
    return true;
  }

  #slowed(periodMs: number): void {
    const { services, options, vm } = this;
    services.overLimit?.(options.name, "tick");
    const text = `its tick takes over a tenth of this thread's time: the period is ${periodMs} ms for now`;
    vm.options.services.log(WARN, this.id, text);
  }

  setTickPeriod(ms: number): Status {
    this.#ticker.set(ms);
    return status.OK;
  }

  /** The instance died: nothing in it is ever called again. */
  abandoned(): void {
    this.#closed = true;
    this.#ticker.stop();
    this.services.bell.forget(this);
    this.callouts.cancelAll();
    this.grpc.end();
    this.#dns.end();
  }

  headers(map: number): HeaderList | null {
    return this.callouts.headers(map) ?? this.grpc.headers(map);
  }

  writableHeaders(): HeaderList | null {
    return null;
  }

  replaceHeaders(): Status {
    return this.vm.refuse(status.BAD_ARGUMENT, NO_STREAM);
  }

  buffer(id: number): Buffer | null {
    if (id === buffers.VM_CONFIGURATION) return this.#vmConfig;
    if (id === buffers.PLUGIN_CONFIGURATION) return this.#configuring ? this.#config : null;
    if (id === buffers.FOREIGN_FUNCTION_ARGUMENTS) return this.handOver.given?.bytes ?? this.#dns.answer;
    return this.callouts.body(id) ?? this.grpc.message(id);
  }

  replaceBuffer(): Status {
    return this.vm.refuse(status.NOT_FOUND, NO_STREAM);
  }

  property(path: readonly string[]): Uint8Array | null {
    return readHostProperty(this, path);
  }

  setProperty(): Status {
    return this.vm.refuse(status.NOT_FOUND, NO_STREAM);
  }

  // From a plugin context without effective stream: OK and no effect, as in Envoy (abi.md 5.4).
  sendLocalReply(): Status {
    return this.replyIgnored(REPLY_IGNORED);
  }

  /** OK and no effect: counted each time, said once. */
  replyIgnored(reason: string): Status {
    const { services, options, vm } = this;
    services.replyIgnored?.(options.name);
    if (!this.#saidIgnored) vm.options.services.log(WARN, vm.contextId, `proxy_send_local_response ${reason}`);
    this.#saidIgnored = true;
    return vm.refuse(status.OK, reason);
  }

  continueStream(): Status {
    return status.OK;
  }

  closeStream(): Status {
    return status.OK;
  }

  httpCall(call: GuestHttpCall): number {
    if (this.#closed) return -this.vm.refuse(status.INTERNAL_FAILURE, "the filter's version is ending");
    return this.callouts.start(call, 0);
  }

  callStatus(): { readonly code: number; readonly message: string } {
    return this.grpc.status() ?? this.callouts.status();
  }

  resolveDns(name: string): number {
    return this.#closed ? -status.INTERNAL_FAILURE : this.#dns.start(name);
  }

  done(): Status {
    const wanted = this.#doneWanted;
    if (wanted === null) return this.vm.refuse(status.NOT_FOUND, "proxy_on_done has not been answered with false");
    this.vm.defer(wanted);
    return status.OK;
  }

  registerQueue(name: string): number {
    const id = this.services.queues.register(this.options.vmId, name);
    if (id !== 0) this.services.bell.watch(id, this);
    return id;
  }

  queueReady(id: number): void {
    const { onQueueReady } = this.vm.callbacks;
    if (onQueueReady === null || this.#closed) return;
    this.vm.callWith(onQueueReady, this, "trap", [id]);
    this.vm.settle();
  }

  get plugin(): this {
    return this;
  }

  get refusal(): string {
    return this.vm.refusal.text;
  }

  get debugging(): boolean {
    const { trace } = this.services;
    // A discreet trace runs on live traffic, where no reason may reach a client (RATIONALE: sluice.explain).
    return (trace !== undefined && trace.show === undefined) || this.services.logLevel() <= DEBUG;
  }

  foreign(name: string, args: Buffer): ForeignResult {
    return callForeign(this, name, args);
  }
}

/** A bool of the ABI: any number but 0, and no fault. */
const isTrue = (result: number): boolean => result !== 0 && result !== FAULTED;
