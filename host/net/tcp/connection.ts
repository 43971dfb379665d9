// One client connection carried to its cluster as bytes, through the filters of its listener: dials, couples the two
// sockets with back-pressure both ways, passes on half-closes and resets, ends what is idle. Knows no filter.
//
//   open (dialling or coupled) -> closing (what was written leaves, input is dropped) -> closed
import type { Socket } from "node:net";
import type { ErrorCode } from "../../base/errors.ts";
import { Deadline, type DeadlineOwner } from "../../base/timer-wheel.ts";
import type { TcpPort, TcpSide, TcpStream } from "../../chain/tcp-ports.ts";
import type { TlsFacts } from "../../tls/facts.ts";
import type { Endpoint } from "../../upstream/endpoint.ts";
import { type ConnectionFacts, ExchangeFacts } from "../facts.ts";
import type { OpenConnection } from "../protocol.ts";
import { Dial, type DialOwner } from "./dial.ts";
import { HOLD, Leg, type LegOwner } from "./leg.ts";
import type { TcpListenerContext, TcpView } from "./protocol.ts";
import { ORDERLY } from "./tcp-metrics.ts";

/** How long a closing connection waits for the client's FIN (as Envoy's delayed_close_timeout). */
const LINGER_MS = 1000;
/** How long it waits while a peer takes nothing of what is still to be written. */
const STALL_MS = 5000;
/** Filter state by which a filter names the cluster, as in Envoy (abi.md 11.1). */
const CLUSTER_KEY = "envoy.tcp_proxy.cluster";
const NOTHING = Buffer.alloc(0);

export class TcpConnection implements TcpPort, LegOwner, DialOwner, DeadlineOwner, OpenConnection {
  readonly facts: ExchangeFacts;
  readonly #context: TcpListenerContext;
  readonly #view: TcpView;
  readonly #stream: TcpStream;
  readonly #down: Leg;
  #up: Leg | null = null;
  #dial: Dial | null = null;
  readonly #deadline = new Deadline(this);
  readonly #startMs: number;
  #dialMs = 0;
  /** Coarse monotonic ms of the last byte in either direction. */
  #activeMs: number;
  #state: "open" | "closing" | "closed" = "open";
  /** While closing: bytes still to be written when it was last looked at. */
  #pending = 0;

  constructor(socket: Socket, context: TcpListenerContext, connection: ConnectionFacts) {
    const { clock, wheel } = context;
    this.#context = context;
    this.#startMs = clock.monotonicMs();
    this.#activeMs = this.#startMs;
    this.facts = new ExchangeFacts(connection, wheel.wallMs(this.#startMs));
    this.facts.protocol = "TCP";
    this.facts.scheme = "";
    this.#view = context.view();
    this.#stream = this.#view.chain.open(this);
    this.#down = new Leg(socket, this);
    this.#watchIdle();
  }

  /** The first callbacks run. */
  begin(): void {
    this.#stream.newConnection();
  }

  // --- what the filters let pass (TcpPort) ---

  connect(): void {
    this.facts.clusterName = this.#destination();
    const cluster = this.#view.cluster(this.facts.clusterName);
    if (cluster === undefined) return this.dialFailed("cluster_not_found");
    this.#dialMs = this.#context.clock.monotonicMs();
    this.#dial = new Dial(this, cluster, this.#view.options.maxConnectAttempts, this.facts);
    this.#dial.start();
  }

  /** Where this connection goes: decided here alone, after on_new_connection of every filter. */
  #destination(): string {
    const { notes, connectionState } = this.facts;
    const named = notes?.filterState.get(CLUSTER_KEY) ?? connectionState.filterState?.get(CLUSTER_KEY);
    return named?.value.toString() ?? this.#view.options.cluster;
  }

  forwardUpstream(chunk: Buffer, end: boolean): void {
    if (this.#state !== "open") return;
    if (this.#up !== null) return this.#pass(chunk, end, this.#up);
    const dial = this.#dial;
    dial?.keep(chunk, end);
    if (dial !== null && dial.waitingBytes > this.#context.bufferBytes) this.#hold(this.#down, HOLD.dial);
  }

  forwardDownstream(chunk: Buffer, end: boolean): void {
    if (this.#state !== "open") return;
    this.#sent(chunk.length);
    this.#pass(chunk, end, this.#down);
  }

  replyDownstream(bytes: Buffer): void {
    if (this.#state !== "open") return;
    this.#sent(bytes.length);
    this.#pass(bytes, false, this.#down);
    // Its own answers may be all there is to hold back: then the client's questions wait.
    if (this.#down.blocked) this.#hold(this.#down, HOLD.reply);
  }

  get pendingDownstream(): number {
    return this.#down.pending;
  }

  hold(side: TcpSide, hold: boolean): void {
    const leg = side === "downstream" ? this.#down : this.#up;
    if (hold && leg !== null) this.#hold(leg, HOLD.filter);
    else leg?.hold(HOLD.filter, false);
  }

  close(details: string): void {
    if (this.#state !== "open") return;
    this.facts.responseCodeDetails = details;
    this.#finish();
  }

  reset(details: string): void {
    if (this.#state !== "open") return;
    this.facts.responseCodeDetails = details;
    this.#state = "closing";
    this.#giveUpDial();
    this.#down.reset();
    this.#up?.reset();
  }

  // --- the listener (OpenConnection) ---

  /** A silent connection is not an idle one: only its peers know. */
  closeIfIdle(): void {}

  destroy(): void {
    if (this.#state === "open") this.facts.responseCodeDetails = "drain_timeout";
    this.#cut();
  }

  // --- the dial (DialOwner) ---

  dialled(socket: Socket, endpoint: Endpoint, tls: TlsFacts | null): void {
    const { facts } = this;
    const dial = this.#dial;
    this.#dial = null;
    facts.attempts = dial?.attempts ?? 0;
    facts.upstreamAddress = socket.remoteAddress ?? endpoint.options.host;
    facts.upstreamPort = endpoint.options.port;
    facts.upstreamEndpoint = endpoint.options;
    facts.upstreamTls = tls;
    facts.upstreamMs = this.#context.clock.monotonicMs() - this.#dialMs;
    if (this.#state === "open") facts.responseCodeDetails = ORDERLY;
    const up = new Leg(socket, this);
    this.#up = up;
    for (const chunk of dial?.waiting ?? []) this.#pass(chunk, false, up);
    if (dial?.ended === true) up.end();
    if (this.#state === "closing") up.finish();
    this.#down.hold(HOLD.dial, false);
  }

  dialFailed(code: ErrorCode, reason = ""): void {
    this.facts.attempts = this.#dial?.attempts ?? 0;
    this.#dial = null;
    if (this.#state !== "open") return this.#checkOver();
    this.facts.failed(code);
    this.facts.transportFailure = reason;
    this.#finish();
  }

  // --- the two sockets (LegOwner) ---

  legData(leg: Leg, chunk: Buffer): void {
    this.#activeMs = this.#context.wheel.nowMs;
    if (leg !== this.#down) {
      this.#stream.upstreamData(chunk, false);
      return;
    }
    this.facts.requestBytes += chunk.length;
    this.#context.metrics.receivedBytes.inc(chunk.length);
    this.#stream.downstreamData(chunk, false);
  }

  legEnded(leg: Leg): void {
    if (leg === this.#down) this.#stream.downstreamData(NOTHING, true);
    else this.#stream.upstreamData(NOTHING, true);
  }

  legDrained(leg: Leg): void {
    this.#activeMs = this.#context.wheel.nowMs;
    if (leg !== this.#down) {
      this.#down.hold(HOLD.peer, false);
      return;
    }
    this.#up?.hold(HOLD.peer, false);
    this.#down.hold(HOLD.reply, false);
  }

  legClosed(leg: Leg): void {
    if (leg === this.#down) this.#stream.downstreamClosed(leg.closedBy);
    else this.#stream.upstreamClosed(leg.closedBy);
    if (this.#state === "open" && !leg.orderly) this.#broken(leg);
    this.#checkOver();
  }

  deadlineReached(_deadline: Deadline, nowMs: number): void {
    if (this.#state === "closing") {
      if (this.#unwritten() >= this.#pending) this.#cut();
      else this.#watchClosing();
      return;
    }
    if (this.#activeMs + this.#view.options.idleTimeoutMs > nowMs) return this.#watchIdle();
    this.#context.metrics.idleTimeout.inc();
    this.facts.responseCodeDetails = "idle_timeout";
    this.#cut();
  }

  /** One side is gone without having said goodbye. What its peer had said before still counts. */
  #broken(leg: Leg): void {
    const other = leg === this.#down ? this.#up : this.#down;
    if (leg === this.#down) this.facts.failed("downstream_disconnect");
    else if (!leg.ended) this.facts.failed("upstream_reset");
    if (leg.ended) return this.#finish();
    this.#state = "closing";
    this.#giveUpDial();
    other?.reset();
  }

  #pass(chunk: Buffer, end: boolean, to: Leg): void {
    if (chunk.length > 0 && !to.write(chunk)) {
      const from = to === this.#down ? this.#up : this.#down;
      if (from !== null) this.#hold(from, HOLD.peer);
    }
    if (end) to.end();
  }

  #hold(leg: Leg, reason: number): void {
    if (leg.hold(reason, true)) this.#context.metrics.readingPaused.inc();
  }

  #sent(bytes: number): void {
    this.facts.responseBytes += bytes;
    this.#context.metrics.sentBytes.inc(bytes);
  }

  #watchIdle(): void {
    const { idleTimeoutMs } = this.#view.options;
    if (idleTimeoutMs > 0) this.#context.wheel.schedule(this.#deadline, this.#activeMs + idleTimeoutMs);
  }

  #watchClosing(): void {
    this.#pending = this.#unwritten();
    const waitMs = this.#pending > 0 ? STALL_MS : LINGER_MS;
    this.#context.wheel.schedule(this.#deadline, this.#context.clock.monotonicMs() + waitMs);
  }

  /** In order. What the upstream is still to be told is worth the dial. */
  #finish(): void {
    this.#state = "closing";
    if (this.#dial?.waitingBytes === 0) this.#giveUpDial();
    this.#down.finish();
    this.#up?.finish();
    this.#watchClosing();
  }

  #cut(): void {
    this.#state = "closing";
    this.#giveUpDial();
    this.#down.destroy();
    this.#up?.destroy();
    this.#checkOver();
  }

  #unwritten(): number {
    return this.#down.pending + (this.#up?.pending ?? 0) + (this.#dial?.waitingBytes ?? 0);
  }

  #giveUpDial(): void {
    if (this.#dial !== null) this.facts.attempts = this.#dial.attempts;
    this.#dial?.cancel();
    this.#dial = null;
  }

  #checkOver(): void {
    const { closed } = this.#down;
    if (closed && this.#dial === null && this.#up?.closed !== false && this.#state !== "closed") this.#over();
  }

  #over(): void {
    this.#state = "closed";
    const { clock, wheel, metrics } = this.#context;
    wheel.cancel(this.#deadline);
    this.facts.durationMs = clock.monotonicMs() - this.#startMs;
    this.#stream.end();
    metrics.finished(this.facts);
    this.#view.finished(this.facts);
  }
}
