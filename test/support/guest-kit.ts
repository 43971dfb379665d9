// The smallest host that can run guests of the SDK: raw imports, one instance, a clock that stands until it is moved.
// It knows no flow rules (the real host has its own tests): it shows what a guest asked for, and answers from plain maps.
import { join } from "node:path";
import { Compiler, type Compiled, type Mode } from "../../sdk/build/index.ts";
import * as buffer from "../../sdk/assembly/abi/buffer.ts";
import * as map from "../../sdk/assembly/abi/map.ts";
import * as status from "../../sdk/assembly/abi/status.ts";

const ROOT = join(import.meta.dirname, "../..");
/** Plugin context of a freshly started kit. */
export const ROOT_ID = 1;
/** What test files share: built guests, by the hash of their sources. */
export const CACHE = join(ROOT, ".sluice/test-build");

/** Absolute path of a guest under test/unit/sdk/guest. */
export const guestEntry = (name: string): string => join(ROOT, "test/unit/sdk/guest", name, "index.ts");

/** Compiles a guest of the tests, through the cache. */
export async function buildGuest(name: string, mode: Mode = "debug"): Promise<Compiled> {
  const compiler = new Compiler({ cacheDir: CACHE });
  try {
    return await compiler.compile(guestEntry(name), { mode });
  } finally {
    await compiler.close();
  }
}

export type Pairs = (readonly [string, string])[];
export interface Call {
  readonly upstream: string;
  readonly headers: Pairs;
  readonly body: string;
  readonly trailers: Pairs;
  readonly timeoutMs: number;
  readonly token: number;
}
export interface Reply {
  readonly status: number;
  readonly body: string;
  readonly headers: Pairs;
  readonly details: string;
}
const MS = 1_000_000n;
type Foreign = (args: Buffer) => Buffer | number;
type Callback = (...args: number[]) => number;

export class GuestKit {
  readonly log: [level: number, text: string][] = [];
  /** Header maps by ABI number. */
  readonly maps = new Map<number, Pairs>();
  /** Buffers by ABI number; absent = NOT_FOUND. */
  readonly buffers = new Map<number, Buffer>();
  readonly calls: Call[] = [];
  readonly resumed: number[] = [];
  readonly closed: number[] = [];
  readonly metrics = new Map<string, bigint>();
  readonly metricNames: string[] = [];
  readonly shared = new Map<string, { value: Buffer; cas: number }>();
  readonly queues = new Map<string, Buffer[]>();
  readonly properties = new Map<string, Buffer>();
  readonly foreign = new Map<string, Foreign>();
  readonly foreignCalls: [name: string, args: Buffer][] = [];
  /** Names of host calls in order. */
  readonly hostCalls: string[] = [];
  /** Host functions that answer this status instead of working. */
  readonly failing = new Map<string, number>();
  reply: Reply | null = null;
  nowNanos = 1_900_000_000_000_000_000n;
  tickMs = 0;
  effective = 0;
  callStatus = "";
  logLevel = 0;
  #exports: Record<string, unknown> = {};
  #cas = 0;
  #tickAt = 0n;
  #started = false;

  /** Instantiates and starts; does not configure. */
  constructor(wasm: Uint8Array) {
    const module = new WebAssembly.Module(wasm);
    const env: Record<string, (...args: never[]) => number> = {};
    for (const { name } of WebAssembly.Module.imports(module)) env[name] = this.#bind(name);
    const instance = new WebAssembly.Instance(module, { env: env as never });
    this.#exports = instance.exports;
    (this.#exports["_initialize"] as () => void)();
    this.#started = true;
  }
  /** Starts the VM with one configured plugin context, ROOT_ID. */
  static started(wasm: Uint8Array, config = ""): GuestKit {
    const kit = new GuestKit(wasm);
    kit.call("proxy_on_context_create", ROOT_ID, 0);
    kit.call("proxy_on_vm_start", ROOT_ID, 0);
    kit.configured = kit.configure(ROOT_ID, config);
    return kit;
  }
  /** Result of the configuration of ROOT_ID. */
  configured = false;

  /** Configures a plugin context. */
  configure(root: number, config: string): boolean {
    this.buffers.set(buffer.PLUGIN_CONFIGURATION, Buffer.from(config));
    return this.call("proxy_on_configure", root, Buffer.byteLength(config)) === 1;
  }
  has(name: string): boolean {
    return name in this.#exports;
  }
  /** Calls an export; a callback that is not exported answers 0, as hosts do. */
  call(name: string, ...args: number[]): number {
    const callback = this.#exports[name] as Callback | undefined;
    return callback === undefined ? 0 : (callback(...args) ?? 0);
  }
  /** Opens a stream under `root`. */
  open(id: number, root = ROOT_ID): void {
    this.call("proxy_on_context_create", id, root);
  }
  /** Ends a stream in Envoy's order. */
  end(id: number): void {
    this.call("proxy_on_log", id);
    this.call("proxy_on_done", id);
    this.call("proxy_on_delete", id);
  }
  /** Sets the request headers and runs the callback; the result is the action. */
  requestHeaders(id: number, headers: Pairs, end = true): number {
    this.maps.set(map.HTTP_REQUEST_HEADERS, [...headers]);
    return this.call("proxy_on_request_headers", id, headers.length, end ? 1 : 0);
  }
  responseHeaders(id: number, headers: Pairs, end = true): number {
    this.maps.set(map.HTTP_RESPONSE_HEADERS, [...headers]);
    return this.call("proxy_on_response_headers", id, headers.length, end ? 1 : 0);
  }
  /** One chunk of the response body; gives what the guest made of it. */
  responseBody(id: number, chunk: string | Buffer, end: boolean): Buffer {
    const bytes = Buffer.from(chunk as string);
    this.buffers.set(buffer.HTTP_RESPONSE_BODY, bytes);
    this.call("proxy_on_response_body", id, bytes.length, end ? 1 : 0);
    return this.buffers.get(buffer.HTTP_RESPONSE_BODY) ?? Buffer.alloc(0);
  }
  /** Answers a call-out; null = it failed with `reason`. */
  answer(token: number, response: { headers: Pairs; body?: string; trailers?: Pairs } | null, reason = ""): void {
    const body = Buffer.from(response?.body ?? "");
    this.maps.set(map.HTTP_CALL_RESPONSE_HEADERS, response?.headers ?? []);
    this.maps.set(map.HTTP_CALL_RESPONSE_TRAILERS, response?.trailers ?? []);
    this.buffers.set(buffer.HTTP_CALL_RESPONSE_BODY, body);
    this.callStatus = reason;
    const counts = [response?.headers.length ?? 0, body.length, response?.trailers?.length ?? 0];
    this.call("proxy_on_http_call_response", ROOT_ID, token, ...counts);
    this.callStatus = "";
  }
  /** Moves the clock by `ms` and fires ticks on the way. */
  advance(ms: number): void {
    const until = this.nowNanos + BigInt(ms) * MS;
    while (this.tickMs > 0 && this.#tickAt <= until) {
      this.nowNanos = this.#tickAt;
      this.#tickAt += BigInt(this.tickMs) * MS;
      this.call("proxy_on_tick", ROOT_ID);
    }
    this.nowNanos = until;
  }
  header(id: number, name: string): string | undefined {
    return this.maps.get(id)?.find(([key]) => key === name)?.[1];
  }
  /** Bytes of linear memory. */
  get memoryBytes(): number {
    return this.#memory().length;
  }
  /** An export of another kind of test entry. */
  get exports(): Record<string, unknown> {
    return this.#exports;
  }

  #bind(name: string): (...args: never[]) => number {
    const bound = this.#hostCall(name) as (...args: never[]) => number;
    return (...args) => {
      if (!this.#started && name !== "proxy_log") throw new Error(`${name} during start-up`);
      this.hostCalls.push(name);
      return this.failing.get(name) ?? bound(...args);
    };
  }
  #memory(): Buffer {
    return Buffer.from((this.#exports["memory"] as WebAssembly.Memory).buffer as ArrayBuffer);
  }
  #text(at: number, size: number): string {
    return this.#bytes(at, size).toString();
  }
  #bytes(at: number, size: number): Buffer {
    return Buffer.from(this.#memory().subarray(at >>> 0, (at >>> 0) + (size >>> 0)));
  }
  #word(at: number, value: number): number {
    this.#memory().writeUInt32LE(value >>> 0, at);
    return status.OK;
  }
  #give(bytes: Buffer, outPtr: number, outSize: number): number {
    const at = bytes.length === 0 ? 0 : this.call("proxy_on_memory_allocate", bytes.length);
    bytes.copy(this.#memory(), at);
    this.#word(outPtr, at);
    return this.#word(outSize, bytes.length);
  }
  #hostCall(name: string): unknown {
    const table = { ...this.#plain(), ...this.#headerCalls(), ...this.#stores() } as Record<string, unknown>;
    return table[name] ?? (() => status.UNIMPLEMENTED);
  }
  #plain(): Record<string, unknown> {
    return {
      proxy_log: (level: number, at: number, size: number) => {
        this.log.push([level, this.#text(at, size)]);
        return status.OK;
      },
      proxy_get_log_level: (out: number) => this.#word(out, this.logLevel),
      proxy_get_current_time_nanoseconds: (out: number) => {
        this.#memory().writeBigUInt64LE(this.nowNanos, out);
        return status.OK;
      },
      proxy_set_tick_period_milliseconds: (ms: number) => {
        this.tickMs = ms;
        this.#tickAt = this.nowNanos + BigInt(ms) * MS;
        return status.OK;
      },
      proxy_get_status: (code: number, outPtr: number, outSize: number) => {
        this.#word(code, 11);
        return this.#give(Buffer.from(this.callStatus), outPtr, outSize);
      },
      proxy_done: () => status.OK,
      proxy_set_effective_context: (id: number) => {
        this.effective = id;
        return status.OK;
      },
      proxy_continue_stream: (stream: number) => (this.resumed.push(stream), status.OK),
      proxy_close_stream: (stream: number) => (this.closed.push(stream), status.OK),
      proxy_send_local_response: (code: number, ...at: number[]) => {
        const [dp = 0, dn = 0, bp = 0, bn = 0, hp = 0, hn = 0] = at;
        const headers = readPairs(this.#bytes(hp, hn));
        this.reply = { status: code, body: this.#text(bp, bn), headers, details: this.#text(dp, dn) };
        return status.OK;
      },
      proxy_http_call: (...at: number[]) => {
        const [up = 0, un = 0, hp = 0, hn = 0, bp = 0, bn = 0, tp = 0, tn = 0, timeoutMs = 0, out = 0] = at;
        const token = (this.calls.length + 1) * 4;
        const [headers, trailers] = [readPairs(this.#bytes(hp, hn)), readPairs(this.#bytes(tp, tn))];
        this.calls.push({
          upstream: this.#text(up, un),
          headers,
          body: this.#text(bp, bn),
          trailers,
          timeoutMs,
          token,
        });
        return this.#word(out, token);
      },
      proxy_get_buffer_bytes: (id: number, start: number, most: number, outPtr: number, outSize: number) => {
        const bytes = this.buffers.get(id);
        if (bytes === undefined) return status.NOT_FOUND;
        return this.#give(
          bytes.subarray(start >>> 0, Math.min((start >>> 0) + (most >>> 0), bytes.length)),
          outPtr,
          outSize,
        );
      },
      proxy_set_buffer_bytes: (id: number, start: number, remove: number, at: number, size: number) => {
        const bytes = this.buffers.get(id);
        if (bytes === undefined) return status.NOT_FOUND;
        const from = Math.min(start >>> 0, bytes.length);
        // As Envoy: edits in the middle are refused, so that a guest that needs them shows here.
        if (from > 0 && from < bytes.length) return status.BAD_ARGUMENT;
        this.buffers.set(
          id,
          Buffer.concat([bytes.subarray(0, from), this.#bytes(at, size), bytes.subarray(from + (remove >>> 0))]),
        );
        return status.OK;
      },
    };
  }
  #headerCalls(): Record<string, unknown> {
    const list = (id: number): Pairs => this.maps.get(id) ?? [];
    const keep = (id: number, pairs: Pairs): number => (this.maps.set(id, pairs), status.OK);
    return {
      proxy_get_header_map_pairs: (id: number, outPtr: number, outSize: number) =>
        this.#give(writePairs(list(id)), outPtr, outSize),
      proxy_set_header_map_pairs: (id: number, at: number, size: number) => keep(id, readPairs(this.#bytes(at, size))),
      proxy_get_header_map_value: (id: number, kp: number, kn: number, outPtr: number, outSize: number) => {
        const found = list(id).find(([key]) => key === this.#text(kp, kn));
        return found === undefined ? status.NOT_FOUND : this.#give(Buffer.from(found[1]), outPtr, outSize);
      },
      proxy_add_header_map_value: (id: number, kp: number, kn: number, vp: number, vn: number) =>
        keep(id, [...list(id), [this.#text(kp, kn), this.#text(vp, vn)]]),
      proxy_replace_header_map_value: (id: number, kp: number, kn: number, vp: number, vn: number) => {
        const key = this.#text(kp, kn);
        return keep(id, [...list(id).filter(([name]) => name !== key), [key, this.#text(vp, vn)]]);
      },
      proxy_remove_header_map_value: (id: number, kp: number, kn: number) => {
        const key = this.#text(kp, kn);
        return keep(
          id,
          list(id).filter(([name]) => name !== key),
        );
      },
    };
  }
  #stores(): Record<string, unknown> {
    return {
      proxy_define_metric: (_kind: number, at: number, size: number, out: number) => {
        const name = this.#text(at, size);
        if (!this.metricNames.includes(name)) this.metricNames.push(name);
        if (!this.metrics.has(name)) this.metrics.set(name, 0n);
        return this.#word(out, this.metricNames.indexOf(name) + 1);
      },
      proxy_increment_metric: (id: number, delta: bigint) => this.#metric(id, (value) => value + delta),
      proxy_record_metric: (id: number, value: bigint) => this.#metric(id, () => value),
      proxy_get_metric: (id: number, out: number) => {
        const value = this.metrics.get(this.metricNames[id - 1] ?? "");
        if (value === undefined) return status.NOT_FOUND;
        this.#memory().writeBigUInt64LE(BigInt.asUintN(64, value), out);
        return status.OK;
      },
      proxy_get_shared_data: (kp: number, kn: number, outPtr: number, outSize: number, outCas: number) => {
        const entry = this.shared.get(this.#text(kp, kn));
        if (entry === undefined) return status.NOT_FOUND;
        this.#word(outCas, entry.cas);
        return this.#give(entry.value, outPtr, outSize);
      },
      proxy_set_shared_data: (kp: number, kn: number, vp: number, vn: number, cas: number) => {
        const key = this.#text(kp, kn);
        const entry = this.shared.get(key);
        if (cas !== 0 && entry !== undefined && entry.cas !== cas) return status.CAS_MISMATCH;
        this.shared.set(key, { value: this.#bytes(vp, vn), cas: ++this.#cas });
        return status.OK;
      },
      proxy_register_shared_queue: (at: number, size: number, out: number) => {
        const name = this.#text(at, size);
        if (!this.queues.has(name)) this.queues.set(name, []);
        return this.#word(out, [...this.queues.keys()].indexOf(name) + 1);
      },
      proxy_resolve_shared_queue: (_vp: number, _vn: number, at: number, size: number, out: number) => {
        const place = [...this.queues.keys()].indexOf(this.#text(at, size));
        return place < 0 ? status.NOT_FOUND : this.#word(out, place + 1);
      },
      proxy_enqueue_shared_queue: (id: number, at: number, size: number) => {
        [...this.queues.values()][id - 1]?.push(this.#bytes(at, size));
        return status.OK;
      },
      proxy_dequeue_shared_queue: (id: number, outPtr: number, outSize: number) => {
        const item = [...this.queues.values()][id - 1]?.shift();
        return item === undefined ? status.EMPTY : this.#give(item, outPtr, outSize);
      },
      proxy_get_property: (at: number, size: number, outPtr: number, outSize: number) => {
        const value = this.properties.get(this.#text(at, size).replaceAll("\0", "."));
        return value === undefined ? status.NOT_FOUND : this.#give(value, outPtr, outSize);
      },
      proxy_set_property: (at: number, size: number, vp: number, vn: number) => {
        this.properties.set(this.#text(at, size).replaceAll("\0", "."), this.#bytes(vp, vn));
        return status.OK;
      },
      proxy_call_foreign_function: (
        np: number,
        nn: number,
        at: number,
        size: number,
        outPtr: number,
        outSize: number,
      ) => {
        const name = this.#text(np, nn);
        this.foreignCalls.push([name, this.#bytes(at, size)]);
        const answer = this.foreign.get(name)?.(this.#bytes(at, size)) ?? status.NOT_FOUND;
        return typeof answer === "number" ? answer : this.#give(answer, outPtr, outSize);
      },
    };
  }
  #metric(id: number, change: (value: bigint) => bigint): number {
    const name = this.metricNames[id - 1];
    if (name === undefined) return status.NOT_FOUND;
    this.metrics.set(name, change(this.metrics.get(name) ?? 0n));
    return status.OK;
  }
}

/** Reads a pair map, strictly: lengths, NULs and the end must fit. */
export function readPairs(bytes: Buffer): Pairs {
  if (bytes.length === 0) return [];
  const pairs: Pairs = [];
  const count = bytes.readUInt32LE(0);
  let at = 4 + 8 * count;
  for (let i = 0; i < count; i++) {
    const [keySize, valueSize] = [bytes.readUInt32LE(4 + 8 * i), bytes.readUInt32LE(8 + 8 * i)];
    const value = at + keySize + 1;
    if (bytes[value - 1] !== 0 || bytes[value + valueSize] !== 0) throw new Error("a NUL is missing in the pairs");
    pairs.push([bytes.toString("utf8", at, at + keySize), bytes.toString("utf8", value, value + valueSize)]);
    at = value + valueSize + 1;
  }
  if (at !== bytes.length) throw new Error("bytes after the pairs");
  return pairs;
}

export function writePairs(pairs: Pairs): Buffer {
  if (pairs.length === 0) return Buffer.alloc(0);
  const head = Buffer.alloc(4 + 8 * pairs.length);
  head.writeUInt32LE(pairs.length, 0);
  const data = pairs.flatMap(([key, value], i) => {
    head.writeUInt32LE(Buffer.byteLength(key), 4 + 8 * i);
    head.writeUInt32LE(Buffer.byteLength(value), 8 + 8 * i);
    return [Buffer.from(`${key}\0`), Buffer.from(`${value}\0`)];
  });
  return Buffer.concat([head, ...data]);
}
