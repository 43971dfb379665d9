// A connection whose first bytes say whose it is. Reads the PROXY header and hands the socket, with what came behind it, to
// the protocol that the listener speaks; whoever sends no good header in time is closed and has a line in the access log.
import type { Socket } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { Deadline, type DeadlineOwner, type TimerWheel } from "../../base/timer-wheel.ts";
import { ExchangeFacts, connectionFacts } from "../facts.ts";
import type { OpenConnection, Protocol } from "../protocol.ts";
import { inTurn } from "../turn.ts";
import type { Addresses } from "./addresses.ts";
import { parseHeader } from "./parse.ts";

export interface ProxyContext {
  readonly name: string;
  readonly inner: Protocol;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  /** @param reason of a closed set */
  readonly failed: (reason: string) => void;
  /** Once per connection that ends here. */
  readonly refused: (facts: ExchangeFacts) => void;
}

export interface ProxyRules {
  readonly timeoutMs: number;
  /** False: a connection that begins otherwise is taken as it is. */
  readonly required: boolean;
}

export class ProxiedConnection implements OpenConnection, DeadlineOwner {
  readonly #socket: Socket;
  readonly #context: ProxyContext;
  readonly #rules: ProxyRules;
  readonly #id: number;
  readonly #startMs: number;
  readonly #deadline = new Deadline(this);
  /** Addresses are read while there is a connection to ask. */
  readonly #facts: ExchangeFacts;
  readonly #read = (chunk: Buffer): void => inTurn(() => this.#received(chunk));
  readonly #lost = (): void => inTurn(() => this.#fail("disconnected"));
  #bytes: Buffer | null = null;
  /** What has taken over. */
  #inner: OpenConnection | null = null;
  #over = false;

  constructor(socket: Socket, context: ProxyContext, rules: ProxyRules, id: number) {
    const { clock, wheel, name } = context;
    this.#socket = socket;
    this.#context = context;
    this.#rules = rules;
    this.#id = id;
    this.#startMs = clock.monotonicMs();
    this.#facts = new ExchangeFacts(connectionFacts(socket, { listener: name, id }), wheel.wallMs(this.#startMs));
    wheel.schedule(this.#deadline, this.#startMs + rules.timeoutMs);
    socket.on("data", this.#read);
    socket.on("end", this.#lost);
    socket.on("close", this.#lost);
    socket.on("error", () => {});
  }

  /** Who has not said who it is has nothing under way. */
  closeIfIdle(nowMs: number, quietMs: number): void {
    if (this.#inner !== null) this.#inner.closeIfIdle(nowMs, quietMs);
    else if (nowMs - this.#startMs >= quietMs) this.#fail("disconnected");
  }

  destroy(): void {
    if (this.#inner === null) this.#socket.destroy();
    else this.#inner.destroy();
  }

  deadlineReached(): void {
    inTurn(() => this.#fail("timeout"));
  }

  #received(chunk: Buffer): void {
    const bytes = this.#bytes === null ? chunk : Buffer.concat([this.#bytes, chunk]);
    this.#bytes = bytes;
    const parsed = parseHeader(bytes);
    if (parsed.kind === "done") this.#handOver(bytes.subarray(parsed.length), parsed.addresses);
    else if (parsed.kind === "bad" && parsed.reason === "no_header" && !this.#rules.required)
      this.#handOver(bytes, null);
    else if (parsed.kind === "bad") this.#fail(parsed.reason);
  }

  #handOver(rest: Buffer, origin: Addresses | null): void {
    this.#over = true;
    const socket = this.#socket;
    this.#context.wheel.cancel(this.#deadline);
    socket.off("data", this.#read);
    socket.off("end", this.#lost);
    socket.off("close", this.#lost);
    // Stopped, so that nobody else is given the bytes; whoever takes over begins with them.
    socket.pause();
    if (rest.length > 0) socket.unshift(rest);
    this.#inner = this.#context.inner.open(socket, this.#id, undefined, origin);
  }

  #fail(reason: string): void {
    if (this.#over) return;
    this.#over = true;
    const { wheel, clock, failed, refused } = this.#context;
    wheel.cancel(this.#deadline);
    failed(reason);
    const facts = this.#facts;
    facts.scheme = "";
    facts.durationMs = clock.monotonicMs() - this.#startMs;
    facts.responseCodeDetails = `proxy_protocol_${reason}`;
    facts.addFlag(reason === "disconnected" ? "DC" : reason === "timeout" ? "DT" : "DPE");
    refused(facts);
    this.#socket.destroy();
  }
}
