// Listens to one traced instance and says what happened in it, event by event, so that another instance can be led through the
// same life. On a data thread it hears a twin (data-plane/record); in a replay it hears the module that is replayed, so
// that both are described by the same words.
import { createHash } from "node:crypto";
import type { Clock } from "../base/clock.ts";
import { discreet } from "../base/secrets.ts";
import type { StreamFacts } from "../chain/ports.ts";
import { continues, keepsChunk } from "../chain/results.ts";
import type { GuestFault } from "../vm/faults.ts";
import { callValues } from "../vm/call-values.ts";
import type { Hostcalls } from "../vm/ports.ts";
import type { MadeCall, RecordedGuest, VmTrace } from "../vm/trace.ts";
import type { Bytes, InLine, MapsNow, OutLine, RecordLine, VmLine } from "./events.ts";
import { factsChanged, factsOf } from "./facts.ts";
import { isNeeded, isRead, type Telling } from "./telling.ts";

const REQUEST_BODY = 0;
const BODY_OF: Readonly<Record<string, number>> = { proxy_on_request_body: 0, proxy_on_response_body: 1 };
/** Maps and buffer that the callback of an answer may read. */
const ANSWERS: Readonly<Record<string, { readonly maps: readonly number[]; readonly buffer: number }>> = {
  proxy_on_http_call_response: { maps: [6, 7], buffer: 4 },
  proxy_on_grpc_receive_initial_metadata: { maps: [4], buffer: -1 },
  proxy_on_grpc_receive: { maps: [], buffer: 5 },
  proxy_on_grpc_receive_trailing_metadata: { maps: [5], buffer: -1 },
  proxy_on_grpc_close: { maps: [], buffer: -1 },
  envoy_on_resolve_dns: { maps: [], buffer: 8 },
};
const STREAM_MAPS = [0, 1, 2, 3] as const;
/** Streams call every callback with two numbers; how many of them it has. */
const argumentsOf = (fn: string): number =>
  /_on_(log|done|delete)$/.test(fn) ? 0 : /_(trailers|create)$/.test(fn) ? 1 : 4;

export interface RecorderOptions {
  readonly clock: Clock;
  /** Fuel at the start of a callback. */
  readonly budget: number | null;
  /** Bytes of bodies kept per stream; of what goes beyond only the length is told. */
  readonly maxBodyBytes: number;
  readonly tells: Telling;
  readonly say: (line: RecordLine) => void;
}

interface Running {
  readonly fn: string;
  /** The context that host calls act on. */
  effective: number;
  /** Body buffers that it has written. */
  edited: ReadonlySet<number>;
  /** Directions that it has let go on: 0 request, 1 response. */
  resumed: ReadonlySet<number>;
  /** It has made a call that may have changed something. */
  acted: boolean;
}

const NONE: ReadonlySet<number> = new Set();
const running = (fn: string, effective: number): Running => ({
  fn,
  effective,
  edited: NONE,
  resumed: NONE,
  acted: false,
});

/** A stream's context as it was when the recorder last looked. */
interface Watched {
  /** As they were told last. */
  readonly facts: Record<string, string | number>;
  readonly live: StreamFacts;
  readonly isOpen: (map: number) => boolean;
  readonly maps: (readonly string[] | null)[];
  /** Body bytes that the filter holds back, by buffer. */
  readonly held: [number, number];
  bodyBytes: number;
}

/** Steps with a budget of their own, which depends on what the canary has used: no measure of a version. */
const START_UP: ReadonlySet<string> = new Set(["proxy_on_vm_start", "proxy_on_configure"]);

export class Recorder implements VmTrace {
  /** On live traffic no reason may reach a client, so the trace is a discreet one (RATIONALE: sluice.explain). */
  readonly show = discreet;
  readonly hearsMissing = true;
  readonly #options: RecorderOptions;
  readonly #streams = new Map<number, Watched>();
  #vm = "";
  #began: Running | null = null;
  #pending: OutLine | null = null;

  constructor(options: RecorderOptions) {
    this.#options = options;
  }

  /** An instance is about to be made: everything from here on happens in it. */
  instance(line: VmLine): void {
    // Streams of an instance that died are over for it, whatever becomes of them.
    for (const c of this.#streams.keys()) this.end(c);
    this.#flushOut();
    this.#vm = line.vm;
    this.#options.say(line);
    const now = String(this.#options.clock.nowNanos());
    this.#options.say({ t: "in", vm: line.vm, c: 0, fn: "_initialize", a: [], now, mono: this.#mono });
    this.#began = running("_initialize", 0);
  }

  get #mono(): number {
    // In a replay this clock is the recording's, and what it has been asked it does not answer again.
    if (this.#options.tells === "decisions") return 0;
    return Math.round(this.#options.clock.monotonicMs() * 1000) / 1000;
  }

  /** A stream got its context. @param config which of the instance's configurations it runs under */
  begin(c: number, config: number, live: StreamFacts, isOpen: (map: number) => boolean): void {
    const facts = this.#options.tells === "decisions" ? {} : factsOf(live);
    const maps = [null, null, null, null];
    this.#streams.set(c, { facts: { ...facts }, live, isOpen, maps, held: [0, 0], bodyBytes: 0 });
    this.#say({ t: "begin", vm: this.#vm, c, config, facts });
  }

  end(c: number): void {
    if (this.#streams.delete(c)) this.#say({ t: "end", vm: this.#vm, c });
  }

  lost(streams: number): void {
    this.#say({ t: "lost", vm: this.#vm, streams });
  }

  #say(line: RecordLine): void {
    this.#flushOut();
    this.#options.say(line);
  }

  callbackBegan(fn: string, c: number, args: readonly number[], guest: RecordedGuest): void {
    this.#began = running(fn, c);
    const a = args.slice(0, argumentsOf(fn));
    const stream = this.#streams.get(c);
    const base = { t: "in", vm: this.#vm, c, fn, a } as const;
    if (this.#options.tells === "decisions") {
      const maps = stream === undefined ? undefined : changedMaps(stream, guest.context);
      return this.#say({ ...base, now: "0", mono: 0, maps });
    }
    const when = { now: String(guest.nowNanos()), mono: this.#mono };
    if (stream !== undefined) this.#say({ ...base, ...when, ...this.#seen(stream, fn, guest.context) });
    else this.#say({ ...base, ...when, ...this.#answerOf(fn, guest.context) });
  }

  #seen(stream: Watched, fn: string, context: Hostcalls) {
    const facts = factsChanged(stream.facts, stream.live);
    const maps = changedMaps(stream, context);
    const open = openBit(stream, 0) | openBit(stream, 1) | openBit(stream, 2) | openBit(stream, 3);
    const buffer = BODY_OF[fn];
    const body = buffer === undefined ? undefined : this.#chunk(stream, buffer, context.buffer(buffer));
    return { open, facts, maps, body };
  }

  #chunk(stream: Watched, buffer: number, content: Buffer | null): Bytes {
    const chunk = content?.subarray(Math.min(stream.held[buffer] ?? 0, content.length)) ?? Buffer.alloc(0);
    stream.bodyBytes += chunk.length;
    const isKept = stream.bodyBytes <= this.#options.maxBodyBytes;
    return { n: chunk.length, ...(isKept ? { x: chunk.latin1Slice() } : {}) };
  }

  #answerOf(fn: string, context: Hostcalls): Partial<InLine> {
    const readable = ANSWERS[fn];
    if (readable === undefined) return {};
    const maps = Object.fromEntries(readable.maps.map((map) => [map, [...(context.headers(map) ?? [])]]));
    const content = readable.buffer < 0 ? null : context.buffer(readable.buffer);
    const body = content === null ? undefined : { n: content.length, x: content.latin1Slice() };
    return { status: context.callStatus(), maps, body };
  }

  called(call: MadeCall): void {
    const { name } = call;
    const s = call.status === undefined ? null : Number(call.status);
    const began = this.#began;
    if (began !== null && !isRead(name)) {
      began.acted = true;
      if (s === 0) this.#note(began, name, Number(call.args[0] ?? 0));
    }
    if (!isNeeded(name, this.#options.tells)) return;
    const { args, results } = callValues(call);
    this.#say({ t: "call", vm: this.#vm, fn: name, a: args, s, r: results.length > 0 ? results : undefined });
  }

  #note(began: Running, name: string, first: number): void {
    if (name === "proxy_set_effective_context") began.effective = first;
    if (name === "proxy_set_buffer_bytes" && first <= 1) began.edited = new Set([...began.edited, first]);
    const stream = this.#streams.get(began.effective);
    if (name !== "proxy_continue_stream" || first > 1 || stream === undefined) return;
    // What was held goes on once the callback has returned.
    began.resumed = new Set([...began.resumed, first]);
    stream.held[first === 0 ? 0 : 1] = 0;
  }

  hostCall(): void {}

  callbackEnded(fn: string, r: number, guest: RecordedGuest): void {
    const began = this.#began;
    const { fuelLeft, context } = guest;
    const { budget } = this.#options;
    // Before the first stream a plugin context is made, with the start-up's budget.
    const isStart = START_UP.has(fn) || (fn === "proxy_on_context_create" && this.#streams.size === 0);
    const fuel = budget === null || fuelLeft === null || isStart ? null : budget - fuelLeft;
    const stream = r === -1 ? undefined : this.#streams.get(context.id);
    // Who has only read has changed nothing.
    const acted = stream !== undefined && began?.acted === true;
    const maps = acted ? changedMaps(stream, context) : undefined;
    const body = acted ? edited(began.edited, context) : undefined;
    if (stream !== undefined && began !== null) holdBack(stream, fn, r, { context, resumed: began.resumed });
    this.#flushOut();
    const c = r === -1 ? (began?.effective ?? 0) : context.id;
    this.#pending = { t: "out", vm: this.#vm, c, fn, r, fuel, maps, body, fault: undefined };
    this.#began = null;
  }

  /** The instance died: that is known after its last callback has ended, which may have returned as if nothing were. */
  faulted({ reason, message }: GuestFault): void {
    if (this.#pending !== null) this.#pending = { ...this.#pending, r: -1, fault: { reason, message } };
    this.#flushOut();
  }

  /** Says what it knows and has not said yet. Not inside a callback. */
  flush(): void {
    this.#flushOut();
  }

  #flushOut(): void {
    const out = this.#pending;
    this.#pending = null;
    if (out !== null) this.#options.say(out);
  }
}

const openBit = (stream: Watched, map: number): number => (stream.isOpen(map) ? 1 << map : 0);

/** Maps that are not as they were left, remembered as they are now. */
function changedMaps(stream: Watched, context: Hostcalls): MapsNow | undefined {
  let changed: Record<string, readonly string[]> | undefined;
  for (const map of STREAM_MAPS) {
    const list = context.headers(map);
    const before = stream.maps[map] ?? null;
    if (list === null || (before !== null && sameList(before, list))) continue;
    stream.maps[map] = list.slice();
    (changed ??= {})[map] = stream.maps[map] ?? [];
  }
  return changed;
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (a[at] !== b[at]) return false;
  return true;
}

function edited(buffers: ReadonlySet<number>, context: Hostcalls): OutLine["body"] {
  for (const buffer of buffers) {
    const content = context.buffer(buffer);
    if (content !== null)
      return { buffer, n: content.length, sha256: createHash("sha256").update(content).digest("hex") };
  }
  return undefined;
}

interface HeldParts {
  readonly context: Hostcalls;
  readonly resumed: ReadonlySet<number>;
}

/** What the filter holds back after a body callback, which the next one will show again. */
function holdBack(stream: Watched, fn: string, result: number, { context, resumed }: HeldParts): void {
  const buffer = BODY_OF[fn];
  if (buffer === undefined) return;
  const side = buffer === REQUEST_BODY ? 0 : 1;
  if (continues(result) || resumed.has(side)) stream.held[side] = 0;
  else if (keepsChunk(result)) stream.held[side] = context.buffer(buffer)?.length ?? 0;
}
