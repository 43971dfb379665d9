// One client connection speaking HTTP/2, on node:http2's core API over a socket that was accepted elsewhere. Every stream
// becomes a ServerStream with an exchange of its own; this class keeps what streams share: the head that is parsed, limits
// against floods, idle time, age and the end.
//
//   handshake -> open -> closing (GOAWAY; streams finish, further ones are not looked at) -> closed
import { constants, performServerHandshake, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import { Deadline, type DeadlineOwner } from "../../base/timer-wheel.ts";
import type { ListenerContext } from "../client-side.ts";
import type { ConnectionFacts } from "../facts.ts";
import type { Http2Options } from "../options.ts";
import type { OpenConnection } from "../protocol.ts";
import { inTurn, turnTimeMs } from "../turn.ts";
import { offersUpgrades } from "../upgrade/agree.ts";
import { breakOff } from "./break-off.ts";
import { type Flood, FloodGuard } from "./flood-guard.ts";
import { Http2RequestHead } from "./request-head.ts";
import { ServerStream, type StreamOwner } from "./server-stream.ts";
import { sessionOptions } from "./session-options.ts";

const LOOK_MS = 1000;
/** How long a client may take to read our last words. */
const LINGER_MS = 1000;

type State = "handshake" | "open" | "closing" | "closed";

export interface Http2Inputs {
  readonly context: ListenerContext;
  readonly options: Http2Options;
  readonly facts: ConnectionFacts;
  /** Bytes that were read already. */
  readonly first: Buffer | null;
}

/** Bytes over the life of a connection, where the socket counts them. */
interface Counted {
  readonly bytesRead?: number;
  readonly bytesWritten?: number;
}

/** The types leave out that a code may stand alone. */
interface Breakable {
  destroy(code: number): void;
}

export class Http2Connection implements OpenConnection, StreamOwner, DeadlineOwner {
  readonly connection: ConnectionFacts;
  readonly context: ListenerContext;
  readonly guard: FloodGuard;
  readonly #options: Http2Options;
  readonly #socket: Duplex & Counted;
  readonly #session: ServerHttp2Session;
  readonly #head: Http2RequestHead;
  readonly #deadline = new Deadline(this);
  readonly #streams = new Set<ServerStream>();
  readonly #startMs: number;
  #state: State = "handshake";
  #requests = 0;
  /** The client has broken the rules, and that has been counted. */
  #blamed = false;
  /** Coarse monotonic ms since when no stream is open. */
  #idleSinceMs: number;
  /** When a closing connection is looked at again. */
  #untilMs = Infinity;

  constructor(socket: Duplex, { context, options, facts, first }: Http2Inputs) {
    const nowMs = context.clock.monotonicMs();
    this.connection = facts;
    this.context = context;
    this.#options = options;
    this.#socket = socket;
    this.#startMs = nowMs;
    this.#idleSinceMs = nowMs;
    this.guard = new FloodGuard(options, nowMs);
    const extended = offersUpgrades(context.options);
    this.#head = new Http2RequestHead(facts.scheme, { extended, connect: context.options.connect ?? false });
    if (first !== null) {
      // Stopped first, so that nobody else is given the bytes; node:http2 begins with what it finds unread.
      socket.pause();
      socket.unshift(first);
    }
    this.#session = performServerHandshake(socket, sessionOptions(options, context.options.limits, extended));
    this.#listen(this.#session);
    context.wheel.schedule(this.#deadline, nowMs + LOOK_MS);
  }

  #listen(session: ServerHttp2Session): void {
    const { initialConnectionWindowSize } = this.#options;
    session.on("connect", () => {
      // Also said when the connection ended a tick earlier.
      if (!session.destroyed) session.setLocalWindowSize(initialConnectionWindowSize);
    });
    session.on("stream", (stream, _headers, flags, raw) => inTurn(() => this.#stream(stream, flags, raw ?? [])));
    session.on("remoteSettings", () => {
      if (this.#state === "handshake") this.#state = "open";
      this.#control();
    });
    session.on("ping", () => this.#control());
    // What is wrong on the wire is answered by node:http2; `close` follows.
    session.on("error", () => {
      if (!this.#blamed) this.context.metrics.rejected("http2_protocol_error");
      this.#blamed = true;
    });
    session.on("close", () => this.#closed());
    // Without its acknowledgements and window updates nothing goes on: a client that sends no more is gone.
    this.#socket.on("end", () => this.destroy());
    this.#socket.on("close", () => this.#closed());
  }

  /**
   * GOAWAY: streams that have begun are finished, the connection ends with the last. Streams that are on their way get no
   * answer, and their client knows from GOAWAY that they may be sent again (RFC 9113 6.8). Not in two steps: node:http2
   * takes no streams behind any GOAWAY.
   */
  drain(): void {
    if (this.#state === "closing" || this.#state === "closed") return;
    this.#state = "closing";
    this.#session.close();
    this.#wait(LINGER_MS);
  }

  closeIfIdle(nowMs: number, quietMs: number): void {
    if (this.#streams.size === 0 && nowMs - this.#idleSinceMs >= quietMs) this.drain();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  deadlineReached(_deadline: Deadline, nowMs: number): void {
    inTurn(() => this.#look(nowMs));
    if (this.#state === "closed") return;
    this.context.wheel.schedule(this.#deadline, Math.min(nowMs + LOOK_MS, this.#untilMs));
  }

  streamReset(): void {
    this.#calm(this.guard.reset(turnTimeMs(this.context.clock)));
  }

  streamClosed(stream: ServerStream): void {
    this.#streams.delete(stream);
    this.#idleSinceMs = this.context.wheel.nowMs;
  }

  #stream(stream: ServerHttp2Stream, flags: number, raw: readonly string[]): void {
    if (this.#blamed) {
      // The rest of what one read brought: nothing of it is worth work upstream.
      stream.on("error", () => {});
      breakOff(stream, constants.NGHTTP2_REFUSED_STREAM);
      return;
    }
    const { limits } = this.context.options;
    const endStream = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const served = new ServerStream(stream, this, endStream);
    this.#streams.add(served);
    const refused = this.#head.parse(raw, endStream, limits);
    this.guard.began(this.#head.bytes);
    const overload = refused === null ? this.context.admission.refusal() : null;
    if (refused !== null) served.reject(refused);
    else if (overload !== null) served.turnAway(overload, this.#head);
    else served.begin(this.#head);
    const { maxRequestsPerConnection: most } = limits;
    // While the listener drains, a connection that comes late is served once, as with HTTP/1.1.
    if (++this.#requests === most || this.context.draining) this.drain();
  }

  #control(): void {
    this.#calm(this.guard.control(turnTimeMs(this.context.clock)));
  }

  #calm(flood: Flood | null): void {
    if (flood === null || this.#blamed) return;
    this.#blamed = true;
    this.context.metrics.rejected(flood);
    this.#state = "closing";
    this.#wait(LINGER_MS);
    // Not here: node:http2 may be in the middle of a read.
    setImmediate(() => (this.#session as unknown as Breakable).destroy(constants.NGHTTP2_ENHANCE_YOUR_CALM));
  }

  #look(nowMs: number): void {
    const { headerTimeoutMs, idleTimeoutMs } = this.context.options.limits;
    const { maxConnectionDurationMs } = this.#options;
    const { bytesRead, bytesWritten } = this.#socket;
    if (bytesRead !== undefined) this.#calm(this.guard.look(nowMs, bytesRead, bytesWritten ?? 0));
    const isIdle = this.#streams.size === 0;
    const age = nowMs - this.#startMs;
    if (this.#state === "handshake" && age >= headerTimeoutMs) this.destroy();
    else if (this.#state === "closing") this.#linger(nowMs, isIdle);
    else if (isIdle && nowMs - this.#idleSinceMs >= idleTimeoutMs) this.drain();
    else if (maxConnectionDurationMs > 0 && age >= maxConnectionDurationMs) this.drain();
  }

  /** Streams are served to their end; our last words are not waited for longer than that. */
  #linger(nowMs: number, isIdle: boolean): void {
    if (nowMs < this.#untilMs) return;
    if (isIdle || this.#blamed) this.destroy();
    else this.#wait(LINGER_MS);
  }

  #closed(): void {
    if (this.#state === "closed") return;
    this.#state = "closed";
    this.context.wheel.cancel(this.#deadline);
    // Whatever ended the session, the descriptor goes with it.
    this.#socket.destroy();
  }

  #wait(ms: number): void {
    const { wheel, clock } = this.context;
    this.#untilMs = clock.monotonicMs() + ms;
    wheel.schedule(this.#deadline, this.#untilMs);
  }
}
