// One stream of a test, phase by phase, through the real host: what went in, what came out, what was logged meanwhile.
// Used by play.ts (with expectations) and bench.ts (without).
import type { HeaderList } from "../abi/headers.ts";
import type { LocalReply } from "../chain/ports.ts";
import { Harness } from "../testing/harness.ts";
import { RecordedMessage, type TestExchange } from "../testing/transport.ts";
import type { VmTrace } from "../vm/trace.ts";
import type { ReadyTest } from "./ready.ts";

export interface FilterSetup {
  readonly wasm: Uint8Array;
  /** Plugin configuration, "" for none. */
  readonly config: string;
  readonly logLevel: number;
  readonly clockMs: number;
}

export interface PhaseOutcome {
  /** What the filter let through, or its own answer. */
  readonly headers: HeaderList;
  readonly body: Buffer;
  /** The answer that was asked for in this phase. */
  readonly reply: LocalReply | null;
  /** Nothing came out: the filter waits. */
  readonly paused: boolean;
  /** The stream was answered in an earlier phase: nothing ran. */
  readonly skipped: boolean;
  readonly logs: readonly string[];
}

export type Side = "request" | "response";

/** @throws ProblemError when the module does not load, start or take its configuration */
export function newHarness({ wasm, config, logLevel, clockMs }: FilterSetup, trace?: VmTrace): Harness {
  const options = { logLevel, clock: clockMs, announceStreams: true, ...(trace === undefined ? {} : { trace }) };
  return new Harness([{ name: "filter", wasm, config }], options);
}

const NO_BODY = Buffer.alloc(0);

export class Session {
  readonly #harness: Harness;
  readonly #exchange: TestExchange;
  #logged = 0;

  /** Creates the stream; its context is there afterwards, nothing has been sent. */
  constructor(harness: Harness, test: ReadyTest) {
    this.#harness = harness;
    this.#logged = harness.logs.length;
    this.#exchange = harness.open();
    this.#exchange.attributes = test.properties;
    this.#exchange.begin();
  }

  /** Lines logged since the last call. */
  takeLogs(): readonly string[] {
    const lines = this.#harness.logs.slice(this.#logged).map(({ message }) => message);
    this.#logged = this.#harness.logs.length;
    return lines;
  }

  get #over(): boolean {
    return this.#exchange.localReply !== null || this.#exchange.resetDetails !== null;
  }

  headers(side: Side, list: HeaderList): PhaseOutcome {
    if (this.#over) return SKIPPED;
    const { stream } = this.#exchange;
    // The body, if any, follows: no header phase ends its stream, as in Google's runner.
    if (side === "request") stream.requestHeaders([...list], false);
    else stream.responseHeaders([...list], false);
    const out = this.#message(side);
    return this.#outcome(out?.list ?? [], NO_BODY, out === null);
  }

  /** @param end whether the last chunk ends the body */
  body(side: Side, chunks: readonly Buffer[], end: boolean): PhaseOutcome {
    if (this.#over) return SKIPPED;
    const before = this.#bodyMessage(side).bytes.length;
    for (const [at, chunk] of chunks.entries()) {
      if (!this.#over) this.#send(side, chunk, end && at === chunks.length - 1);
    }
    const body = this.#over ? NO_BODY : this.#bodyMessage(side).bytes.subarray(before);
    const sent = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    return this.#outcome([], body, sent > 0 && body.length === 0 && this.#isHeld(side));
  }

  #send(side: Side, chunk: Buffer, end: boolean): void {
    const { stream } = this.#exchange;
    // Copied: the chain owns what it is given, and a suite's chunks are sent more than once.
    if (side === "request") stream.requestBody(Buffer.from(chunk), end);
    else stream.responseBody(Buffer.from(chunk), end);
  }

  #isHeld(side: Side): boolean {
    return this.#exchange.stream.contextAt(0, "response")?.flowIfAny(side)?.paused === true;
  }

  /** Where body bytes are recorded; a suite may send a body without a head. */
  #bodyMessage(side: Side): RecordedMessage {
    const exchange = this.#exchange;
    if (side === "request") return (exchange.upstreamRequest ??= new RecordedMessage([]));
    return (exchange.response ??= new RecordedMessage([]));
  }

  #message(side: Side): RecordedMessage | null {
    return side === "request" ? this.#exchange.upstreamRequest : this.#exchange.response;
  }

  #outcome(headers: HeaderList, body: Buffer, paused: boolean): PhaseOutcome {
    const reply = this.#exchange.localReply;
    const logs = this.takeLogs();
    if (reply === null) return { headers, body, reply, paused, skipped: false, logs };
    const bytes = Buffer.from(reply.body as string);
    return { headers: reply.headers, body: bytes, reply, paused: false, skipped: false, logs };
  }

  /** on_log, on_done, on_delete. */
  end(): readonly string[] {
    this.#exchange.end();
    return this.takeLogs();
  }
}

const SKIPPED: PhaseOutcome = { headers: [], body: NO_BODY, reply: null, paused: false, skipped: true, logs: [] };
