// Call-outs of a replayed instance: nothing is sent. A call that the recorded module made as well waits for the recorded
// answer, which is delivered where the recording has it; any other is refused, or fails.
import type { HeaderList } from "../abi/headers.ts";
import type { CalloutPort, CalloutRequest, CalloutResult } from "../plugin/callout-port.ts";
import type { DnsAddress, DnsPort } from "../plugin/dns-queries.ts";
import type { GrpcEvents, GrpcPort, GrpcRequest } from "../plugin/grpc-port.ts";
import type { CallLine, InLine } from "./events.ts";
import { callKey } from "./decision.ts";
import type { CallbackStep } from "./steps.ts";
import { wholeBytes } from "./tape.ts";
import type { World } from "./world.ts";

/** Callbacks that are known and not played yet. */
export type Coming = () => Iterable<CallbackStep>;
/** Kind of a call, in the low bits of its number (vm/call-ids.ts). */
const UNARY = 1;

export class Answers {
  readonly #world: World;
  readonly #coming: Coming;
  readonly #taken = new Set<CallLine>();
  /** Recorded id -> who waits for the answer. */
  readonly #http = new Map<number, (result: CalloutResult) => void>();
  readonly #grpc = new Map<number, GrpcEvents>();
  readonly #dns = new Map<number, (found: readonly DnsAddress[]) => void>();
  /** Failures of calls that were not recorded, to be told after the callback. */
  #failing: (() => void)[] = [];

  constructor(world: World, coming: Coming) {
    this.#world = world;
    this.#coming = coming;
  }

  /** A recorded call-out of a later step. */
  #find(fits: (call: CallLine) => boolean): CallLine | null {
    for (const { calls } of this.#coming()) {
      const found = calls.find(fits);
      if (found !== undefined) return found;
    }
    return null;
  }

  /** The recorded call like this one that nobody has made yet. */
  #recorded(key: string): CallLine | null {
    const fits = (call: CallLine): boolean =>
      (call.fn === "envoy_resolve_dns" || call.fn in ANSWERED) &&
      !this.#taken.has(call) &&
      callKey(call.fn, call.a) === key;
    const found = this.#world.tape.find(fits) ?? this.#find(fits);
    if (found !== null) this.#taken.add(found);
    else this.#world.missing(`call ${key}`);
    return found;
  }

  /** Was it recorded? Asked before anything is started, so that what was not is refused. */
  knows(fn: string, args: CallLine["a"]): boolean {
    const key = callKey(fn, args);
    const fits = (call: CallLine): boolean =>
      call.fn === fn && !this.#taken.has(call) && callKey(call.fn, call.a) === key && call.s === 0;
    return (this.#world.tape.find(fits) ?? this.#find(fits)) !== null;
  }

  readonly callouts: CalloutPort = {
    hasCluster: (name) => this.#hasCluster(name),
    send: (request, done) => {
      const recorded = this.#recorded(httpKey(request));
      const id = Number(recorded?.r?.[0] ?? -1);
      if (recorded === null) this.#failing.push(() => done({ ok: false, failure: "reset" }));
      else this.#http.set(id, done);
      return { cancel: () => void this.#http.delete(id) };
    },
  };

  /** Known unless the recorded module was told otherwise. */
  #hasCluster(name: string): boolean {
    const refused = this.#world.tape.find((call) => call.fn in ANSWERED && call.a[0] === name && call.s !== 0);
    return refused === null;
  }

  readonly grpc: GrpcPort = {
    hasCluster: (name) => this.#hasCluster(name),
    start: (request, events) => {
      const recorded = this.#recordedGrpc(request);
      const id = Number(recorded?.r?.[0] ?? -1);
      if (recorded === null) this.#failing.push(() => events.closed(14, "not recorded"));
      else this.#grpc.set(id, events);
      return { send: () => true, close: () => {}, cancel: () => void this.#grpc.delete(id) };
    },
  };

  #recordedGrpc({ cluster, path }: GrpcRequest): CallLine | null {
    const fits = (call: CallLine): boolean =>
      call.fn.startsWith("proxy_grpc_") &&
      !this.#taken.has(call) &&
      call.s === 0 &&
      `/${call.a[1]}/${call.a[2]}` === path;
    const found = this.#world.tape.find(fits) ?? this.#find(fits);
    if (found !== null) this.#taken.add(found);
    else this.#world.missing(`gRPC call ${cluster} ${path}`);
    return found;
  }

  readonly dns: DnsPort = {
    resolve: (name, done) => {
      const recorded = this.#recorded(callKey("envoy_resolve_dns", [name]));
      if (recorded === null) this.#failing.push(() => done([]));
      else this.#dns.set(Number(recorded.r?.[0]), done);
    },
  };

  /** The recorded answer arrives. Nothing happens when this module has not asked. */
  deliver(line: InLine): void {
    if (line.fn.startsWith("proxy_on_grpc_")) return this.#deliverGrpc(line);
    const { fn, a, maps, body, status } = line;
    const id = a[0] ?? 0;
    const content = wholeBytes(body);
    switch (fn) {
      case "proxy_on_http_call_response": {
        const done = this.#http.get(id);
        this.#http.delete(id);
        return done?.(httpResult(a[1] ?? 0, maps, { body: content, failure: status?.message ?? "" }));
      }
      case "envoy_on_resolve_dns": {
        const done = this.#dns.get(id);
        this.#dns.delete(id);
        return done?.(addresses(content));
      }
    }
  }

  /** The host keeps the message of a unary call until it has ended, and gives the rest at once (plugin/grpc-delivery.ts). */
  #deliverGrpc(line: InLine): void {
    const id = line.a[0] ?? 0;
    const isFirst = line.fn === "proxy_on_grpc_receive_initial_metadata";
    if ((id & 3) !== UNARY || isFirst) return this.#grpcEvent(id, line);
    const all = [...this.#coming()].map((step) => step.in);
    for (const one of all) if (one.fn.startsWith("proxy_on_grpc_") && one.a[0] === id) this.#grpcEvent(id, one);
  }

  #grpcEvent(id: number, { fn, a, maps, body, status }: InLine): void {
    const events = this.#grpc.get(id);
    switch (fn) {
      case "proxy_on_grpc_receive_initial_metadata":
        return events?.initialMetadata([...(maps?.[4] ?? [])]);
      case "proxy_on_grpc_receive":
        return events?.message(wholeBytes(body));
      case "proxy_on_grpc_receive_trailing_metadata":
        return events?.trailingMetadata([...(maps?.[5] ?? [])]);
      case "proxy_on_grpc_close":
        this.#grpc.delete(id);
        return events?.closed(a[1] ?? 0, status?.message ?? "");
    }
  }

  /** After each step. */
  settle(): void {
    const failing = this.#failing;
    this.#failing = [];
    for (const fail of failing) fail();
  }
}

const ANSWERED: Readonly<Record<string, true>> = {
  proxy_http_call: true,
  proxy_grpc_call: true,
  proxy_grpc_stream: true,
};

const httpKey = ({ cluster, headers, body }: CalloutRequest): string =>
  callKey("proxy_http_call", [cluster, headers, body.latin1Slice()]);

function httpResult(
  count: number,
  maps: InLine["maps"],
  { body, failure }: { readonly body: Buffer; readonly failure: string },
): CalloutResult {
  if (count === 0) return { ok: false, failure: (failure || "reset") as "reset" };
  const list = (map: number): HeaderList => [...(maps?.[map] ?? [])];
  return { ok: true, headers: list(6), body, trailers: list(7) };
}

/** As plugin/dns-queries.ts writes them (abi.md 6.4). */
function addresses(bytes: Buffer): readonly DnsAddress[] {
  const count = bytes.length < 4 ? 0 : bytes.readUInt32LE(0);
  const names = bytes
    .subarray(4 + count * 4)
    .latin1Slice()
    .split("\0");
  return Array.from({ length: count }, (_, at) => ({ ttl: bytes.readUInt32LE(4 + at * 4), address: names[at] ?? "" }));
}
