// The fake transport of the testing kit: what a filter chain sends towards client and upstream is recorded instead of
// written to a socket. Everything behind it is the real host.
import { joinedHeader, type HeaderList } from "../abi/headers.ts";
import type { HttpFilterStream } from "../chain/http-stream.ts";
import type { ExchangePort, LocalReply, StreamFacts } from "../chain/ports.ts";
import type { RouteDecision } from "../route/decision.ts";
import type { TestFault } from "./faults.ts";
import { storyOf, type TracedPhase } from "./recorder.ts";
import type { SeenCall } from "./upstreams.ts";

export type HeaderInput = Readonly<Record<string, string | readonly string[]>>;

/** A message as a test writes it. `headers` names in any case. */
export interface RequestInput {
  readonly method?: string;
  readonly path?: string;
  readonly authority?: string;
  readonly scheme?: string;
  readonly headers?: HeaderInput;
  /** A list: chunk by chunk. */
  readonly body?: string | Uint8Array | readonly (string | Uint8Array)[];
  readonly trailers?: HeaderInput;
  /** x-request-id; default: a number that counts up. */
  readonly requestId?: string;
  /** What else is known of the exchange: `{ sourceAddress: "10.0.0.7" }`. */
  readonly facts?: Partial<StreamFacts>;
}

export interface ResponseInput {
  readonly status?: number;
  readonly headers?: HeaderInput;
  readonly body?: string | Uint8Array;
  readonly trailers?: HeaderInput;
}

/** A message as it came out. */
export class RecordedMessage {
  readonly list: HeaderList;
  trailers: HeaderList | null = null;
  complete = false;
  #chunks: Buffer[] = [];

  constructor(list: HeaderList) {
    this.list = list;
  }

  append(chunk: Buffer): void {
    this.#chunks.push(Buffer.from(chunk));
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get body(): string {
    return this.bytes.toString("utf8");
  }

  /** Repeated values joined; undefined when absent. */
  header(name: string): string | undefined {
    return joinedHeader(this.list, name.toLowerCase());
  }

  get status(): number {
    return Number(this.header(":status"));
  }
}

export function toHeaderList(input: HeaderInput = {}): HeaderList {
  return Object.entries(input).flatMap(([name, value]) => {
    const values = typeof value === "string" ? [value] : value;
    return values.flatMap((one) => [name.toLowerCase(), one]);
  });
}

export type ExchangeState = "running" | "paused" | "replied" | "done" | "reset";

/** One exchange under test: drive it whole with {@link send} and {@link respond}, or step by step. */
export class TestExchange implements ExchangePort {
  readonly facts: StreamFacts;
  upstreamRequest: RecordedMessage | null = null;
  response: RecordedMessage | null = null;
  /** Details of the local reply, or null. */
  replyDetails: string | null = null;
  /** The local reply as it was asked for, before response filters. */
  localReply: LocalReply | null = null;
  /** Properties of this exchange beyond the built-in ones, or in their place: `a.b.c` -> bytes. */
  attributes: ReadonlyMap<string, Uint8Array> = new Map();
  resetDetails: string | null = null;
  requestHeld = false;
  /** A filter asked for the route to be matched again. */
  routeCleared = false;
  responseHeld = false;
  /** What filters did in this exchange, callback by callback; empty in a harness without `trace`. */
  readonly trace: TracedPhase[] = [];
  /** The harness's: call-outs and faults of all its exchanges. */
  calls: readonly SeenCall[] = [];
  faults: readonly TestFault[] = [];
  #stream: HttpFilterStream | null = null;
  #ended = false;

  constructor(facts: StreamFacts) {
    this.facts = facts;
  }

  attach(stream: HttpFilterStream): void {
    this.#stream = stream;
  }

  /** For the harness. */
  seen(calls: readonly SeenCall[], faults: readonly TestFault[]): void {
    this.calls = calls;
    this.faults = faults;
  }

  /** The trace as lines, without times: for snapshots. */
  get story(): string {
    return storyOf(this.trace).join("\n");
  }

  /** Fuel of the costliest callback of this exchange; null where none was counted. */
  get fuel(): number | null {
    const counted = this.trace.flatMap((phase) => (phase.fuel === null ? [] : [phase.fuel]));
    return counted.length === 0 ? null : Math.max(...counted);
  }

  get stream(): HttpFilterStream {
    if (this.#stream === null) throw new Error("the exchange has no stream yet");
    return this.#stream;
  }

  /** What filters decided about the route; null when none did. */
  get routeDecision(): RouteDecision | null {
    return this.facts.notes?.decision ?? null;
  }

  get state(): ExchangeState {
    if (this.resetDetails !== null) return "reset";
    if (this.replyDetails !== null) return "replied";
    if (this.response?.complete === true) return "done";
    const waiting = this.response === null ? this.upstreamRequest?.complete !== true : !this.response.complete;
    return waiting ? "paused" : "running";
  }

  /** The local reply, if a filter (or the host for it) answered. */
  get reply(): RecordedMessage | null {
    return this.replyDetails === null ? null : this.response;
  }

  /** Creates the filters' contexts before anything is sent; without it the request head does. */
  begin(): this {
    for (let index = 0; index < this.stream.filterCount; index++) this.stream.contextAt(index, "request");
    return this;
  }

  send(input: RequestInput): void {
    const { body, trailers } = input;
    const chunks = body === undefined ? [] : Array.isArray(body) ? body : [body];
    this.sendHead(input, chunks.length === 0 && trailers === undefined);
    for (const [at, chunk] of chunks.entries())
      this.stream.requestBody(Buffer.from(chunk as string), at === chunks.length - 1 && trailers === undefined);
    if (trailers !== undefined) this.stream.requestTrailers(toHeaderList(trailers));
  }

  /** The request's headers only. */
  sendHead(input: Omit<RequestInput, "body">, end = false): void {
    const { method = "GET", scheme = "http", authority = "test", path = "/" } = input;
    const head: HeaderList = [":method", method, ":scheme", scheme, ":authority", authority, ":path", path];
    this.stream.requestHeaders([...head, ...toHeaderList(input.headers)], end);
  }

  /** The response's headers only. */
  respondHead(input: Omit<ResponseInput, "body" | "trailers"> = {}, end = false): void {
    const { status = 200, headers } = input;
    this.facts.responseCode = status;
    this.stream.responseHeaders([":status", String(status), ...toHeaderList(headers)], end);
  }

  /** The upstream answers. */
  respond(input: ResponseInput = {}): this {
    const { body, trailers } = input;
    const bytes = body === undefined ? null : Buffer.from(body as string);
    this.respondHead(input, bytes === null && trailers === undefined);
    if (bytes !== null) this.stream.responseBody(bytes, trailers === undefined);
    if (trailers !== undefined) this.stream.responseTrailers(toHeaderList(trailers));
    return this;
  }

  /** The upstream answers chunk by chunk. */
  respondInChunks(chunks: readonly Uint8Array[], input: Omit<ResponseInput, "body"> = {}): this {
    const { trailers } = input;
    this.respondHead(input);
    for (const [at, chunk] of chunks.entries())
      this.stream.responseBody(Buffer.from(chunk), at === chunks.length - 1 && trailers === undefined);
    if (trailers !== undefined) this.stream.responseTrailers(toHeaderList(trailers));
    return this;
  }

  /** A property as filters of this exchange see it, as text; null when there is none. */
  property(path: string): string | null {
    const context = this.stream.contextAt(0, "request");
    const value = context === null ? null : this.stream.property(path.split("."), context);
    return value === null ? null : Buffer.from(value).toString();
  }

  /** The exchange is over: on_log, on_done and on_delete run. */
  end(): this {
    if (this.#ended) return this;
    this.#ended = true;
    this.facts.responseCode = this.response === null ? 0 : this.response.status;
    this.stream.end();
    return this;
  }

  forwardRequestHeaders(headers: HeaderList, endStream: boolean): void {
    this.upstreamRequest = new RecordedMessage([...headers]);
    this.upstreamRequest.complete = endStream;
  }

  forwardRequestBody(chunk: Buffer, endStream: boolean): void {
    this.upstreamRequest?.append(chunk);
    if (this.upstreamRequest !== null) this.upstreamRequest.complete = endStream;
  }

  forwardRequestTrailers(trailers: HeaderList): void {
    if (this.upstreamRequest === null) return;
    this.upstreamRequest.trailers = trailers;
    this.upstreamRequest.complete = true;
  }

  forwardResponseHeaders(headers: HeaderList, endStream: boolean): void {
    this.response = new RecordedMessage([...headers]);
    this.response.complete = endStream;
  }

  forwardResponseBody(chunk: Buffer, endStream: boolean): void {
    this.response?.append(chunk);
    if (this.response !== null) this.response.complete = endStream;
  }

  forwardResponseTrailers(trailers: HeaderList): void {
    if (this.response === null) return;
    this.response.trailers = trailers;
    this.response.complete = true;
  }

  stopRequest(details: string, reply?: LocalReply): void {
    this.replyDetails = details;
    this.localReply ??= reply ?? null;
    this.facts.responseCodeDetails = details;
  }

  attribute(path: readonly string[]): Uint8Array | null {
    return this.attributes.get(path.join(".")) ?? null;
  }

  reset(details: string): void {
    this.resetDetails = details;
  }

  clearRouteCache(): void {
    this.routeCleared = true;
  }

  holdRequest(hold: boolean): void {
    this.requestHeld = hold;
  }

  holdResponse(hold: boolean): void {
    this.responseHeld = hold;
  }
}
