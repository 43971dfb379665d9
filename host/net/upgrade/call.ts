// A request that asks the upstream to change the protocol, on a connection of its own: head out, head in, and after a 101
// plain bytes both ways. Any other answer is read like any answer, and ends the connection.
//
//   dialling -> head -> (1xx -> head) -> open, until both sides have ended
//                                     -> body -> over
import type { Socket } from "node:net";
import type { ErrorCode } from "../../base/errors.ts";
import { Deadline, type DeadlineOwner } from "../../base/timer-wheel.ts";
import type { TlsFacts } from "../../tls/facts.ts";
import { failureText } from "../../tls/failure.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import { Endpoint } from "../../upstream/endpoint.ts";
import type { Tunnel, TunnelWaiter } from "../../upstream/tunnel.ts";
import { proxyHeader } from "../proxy-protocol/write.ts";
import { inTurn } from "../turn.ts";
import { MAX_ATTEMPTS, type OutgoingRequest, type ResponseSink, type UpstreamCall } from "../upstream-call.ts";
import { CONNECT } from "./agree.ts";
import { AnswerReader, type AnswerSink } from "./answer-reader.ts";
import type { ResponseHead } from "../http1/response-head.ts";

/** How long an ended connection may take to carry its last bytes away. */
const LINGER_MS = 5000;
const EMPTY = Buffer.alloc(0);

export class UpgradeCall implements UpstreamCall, TunnelWaiter, AnswerSink, DeadlineOwner {
  readonly cluster: Cluster;
  /** Nothing is sent before the upstream has agreed. */
  readonly waitingBytes = 0;
  readonly #sink: ResponseSink;
  readonly #request: OutgoingRequest;
  readonly #reader: AnswerReader;
  readonly #deadline = new Deadline(this);
  #tunnel: Tunnel | null = null;
  #socket: Socket | null = null;
  #attempts = 0;
  #isOpen = false;
  #isAnswered = false;
  #sent = false;
  #heard = false;
  #over = false;
  #held = false;
  #failure = "";

  constructor(cluster: Cluster, sink: ResponseSink, request: OutgoingRequest) {
    this.cluster = cluster;
    this.#sink = sink;
    this.#request = request;
    this.#reader = new AnswerReader(this, request.method, request.upgrade);
  }

  start(): void {
    this.#dial(null);
  }

  body(chunk: Buffer, last: boolean): boolean {
    const socket = this.#socket;
    if (this.#over || socket === null || !this.#isOpen) return true;
    if (chunk.length > 0 && !socket.write(chunk)) this.#sink.upstreamBlocked(true);
    if (!last) return true;
    this.#sent = true;
    socket.end();
    return true;
  }

  /** Cannot come: what follows the head has no end but the connection's. */
  trailers(): boolean {
    return true;
  }

  hold(hold: boolean): void {
    this.#held = hold;
    if (hold) this.#socket?.pause();
    else this.#socket?.resume();
  }

  cancel(): void {
    if (this.#over) return;
    this.#over = true;
    const socket = this.#socket;
    if (socket === null) this.#tunnel?.cancel();
    else if (this.#sent && this.#heard) this.#leave(socket);
    // The peer must not take what it has for everything.
    else if (this.#isOpen) socket.resetAndDestroy();
    else socket.destroy();
  }

  tunnelOpened(socket: Socket, endpoint: Endpoint, tls: TlsFacts | null): void {
    if (this.#over) {
      socket.destroy();
      return;
    }
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => inTurn(() => this.#received(chunk)));
    socket.on("end", () => inTurn(() => this.#ended()));
    socket.on("drain", () => inTurn(() => this.#drained()));
    socket.on("error", (error) => (this.#failure = failureText(error)));
    socket.on("close", () => inTurn(() => this.#closed()));
    if (this.#held) socket.pause();
    inTurn(() => {
      this.#sink.upstreamChosen({ endpoint, tls }, this.#attempts);
      if (this.#request.upgrade === CONNECT) this.#opened();
      else socket.write(this.#request.head, "latin1");
    });
  }

  tunnelRefused(code: ErrorCode, endpoint: Endpoint | null, reason = ""): void {
    if (this.#over) return;
    const another = endpoint !== null && this.cluster.endpoints.length > 1 && this.#attempts < MAX_ATTEMPTS;
    if (another) {
      this.cluster.metrics.retry.inc();
      this.#dial(endpoint);
    } else inTurn(() => this.#fail(code, reason));
  }

  answerInformed(head: ResponseHead): void {
    this.#sink.upstreamInformational(head.status, head.headers);
  }

  answerHead(head: ResponseHead, endStream: boolean): void {
    this.#isOpen = head.status === 101;
    this.#isAnswered = true;
    this.cluster.metrics.response(head.status);
    if (endStream) this.#finish();
    this.#sink.upstreamHead(head, endStream);
  }

  answerBody(bytes: Buffer, from: number, to: number, last: boolean): void {
    // Given up while its head was handed on.
    if (this.#over) return;
    if (last) this.#finish();
    this.#sink.upstreamBody(bytes, from, to, last);
  }

  answerBroken(): void {
    this.cluster.metrics.protocolError.inc();
    this.#fail(this.#isAnswered ? "upstream_reset_after_response_started" : "upstream_protocol_error", "");
  }

  deadlineReached(): void {
    this.#socket?.destroy();
  }

  #dial(avoid: Endpoint | null): void {
    this.#attempts++;
    const { endpoint, client } = this.#request;
    const { proxyProtocol } = this.cluster.options;
    const named = endpoint && new Endpoint(endpoint, -1);
    const preamble = proxyProtocol && proxyHeader(proxyProtocol, client);
    this.#tunnel = this.cluster.openTunnel(this, avoid, { named, preamble });
  }

  #drained(): void {
    if (!this.#over) this.#sink.upstreamBlocked(false);
  }

  /** CONNECT asks for no more than the connection. */
  #opened(): void {
    this.#isOpen = true;
    this.#isAnswered = true;
    this.#sink.upstreamHead({ headers: [":status", "200"], status: 200, contentLength: -1 }, false);
  }

  #received(chunk: Buffer): void {
    if (this.#over) return;
    if (this.#request.upgrade === CONNECT) this.answerBody(chunk, 0, chunk.length, false);
    else this.#reader.feed(chunk);
  }

  #ended(): void {
    if (this.#over) return;
    if (this.#isOpen) {
      this.#heard = true;
      this.#sink.upstreamBody(EMPTY, 0, 0, true);
    } else if (this.#reader.endsWithConnection) this.answerBody(EMPTY, 0, 0, true);
    else this.#broken();
  }

  #closed(): void {
    this.cluster.environment.wheel.cancel(this.#deadline);
    if (!this.#over && !(this.#sent && this.#heard)) this.#broken();
  }

  #broken(): void {
    this.cluster.metrics.reset.inc();
    this.#fail(this.#isAnswered ? "upstream_reset_after_response_started" : "upstream_reset", this.#failure);
  }

  /** An answer that is no 101 is complete. */
  #finish(): void {
    this.#over = true;
    this.#socket?.destroy();
  }

  #fail(code: ErrorCode, reason: string): void {
    if (this.#over) return;
    this.#over = true;
    this.#socket?.destroy();
    this.#sink.upstreamFailed(code, reason);
  }

  /** Both have said all there is: the last bytes leave, then the connection ends by itself. */
  #leave(socket: Socket): void {
    socket.resume();
    if (socket.destroyed) return;
    const { wheel, clock } = this.cluster.environment;
    wheel.schedule(this.#deadline, clock.monotonicMs() + LINGER_MS);
  }
}
