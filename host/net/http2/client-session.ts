// One HTTP/2 connection to an endpoint, with prior knowledge (h2c) or, in a cluster with TLS, agreed on by ALPN; shared by streams of this data thread. Ends by itself:
// when the dial or the peer's SETTINGS take too long, when nothing has run on it for the idle timeout, on GOAWAY once its
// streams are over, and when the peer goes. Whatever ends it, `owner.sessionGone` is told once. Used by pool.ts for proxied
// requests and by grpc/sessions.ts for call-outs.
import {
  connect as connectHttp2,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type ClientSessionOptions,
} from "node:http2";
import { connect as connectTcp, type Socket, type TcpSocketConnectOpts } from "node:net";
import type { ErrorCode } from "../../base/errors.ts";
import type { Clock } from "../../base/clock.ts";
import { Deadline, type DeadlineOwner, type TimerWheel } from "../../base/timer-wheel.ts";
import type { TlsFacts } from "../../tls/facts.ts";
import { failureText } from "../../tls/failure.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { ClusterTls } from "../../upstream/cluster-tls.ts";
import type { Endpoint } from "../../upstream/endpoint.ts";

/** A peer that vanished without a word is noticed at some time. */
const KEEP_ALIVE_MS = 30_000;
/** What node:http2 may hold for one connection, megabytes: what is on its way out among it. */
const SESSION_MEMORY_MB = 256;

const TIMED_OUT = "timeout";

export interface SessionOwner {
  /** The peer's SETTINGS have come, for the first time or changed. */
  sessionOpened(session: ClientSession): void;
  /** No new streams on it; those that run may still end well. */
  sessionGone(session: ClientSession): void;
  /** Somebody waits for it to open. */
  awaits(session: ClientSession): boolean;
}

export interface SessionInputs {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

/** Bytes a peer may send ahead of what is read. */
export interface SessionWindows {
  readonly stream: number;
  /** Over all streams of the connection. */
  readonly session: number;
}

/** Not in the types: by default node:http2 throws when a field that should be single comes twice in a list. */
interface Lenient {
  readonly strictSingleValueFields: boolean;
}

export interface SessionTarget {
  readonly cluster: Cluster;
  readonly endpoint: Endpoint;
  readonly windows: SessionWindows;
}

export class ClientSession implements DeadlineOwner {
  readonly endpoint: Endpoint;
  /** Why it never opened; null when it did, or still may. */
  refusal: ErrorCode | null = null;
  /** What TLS has agreed on; null without. */
  tls: TlsFacts | null = null;
  /** Streams that ended on it. */
  served = 0;
  readonly #cluster: Cluster;
  readonly #inputs: SessionInputs;
  readonly #owner: SessionOwner;
  readonly #windows: SessionWindows;
  readonly #deadline = new Deadline(this);
  readonly #http2: ClientHttp2Session;
  /** Streams that are open. */
  streams = 0;
  #ready = false;
  #peerStreams = 0;
  #gone = false;
  #lost = false;
  /** Why the connection could not be used, for people. */
  #reason = "the connection was closed";

  constructor({ cluster, endpoint, windows }: SessionTarget, inputs: SessionInputs, owner: SessionOwner) {
    this.#cluster = cluster;
    this.endpoint = endpoint;
    this.#windows = windows;
    this.#inputs = inputs;
    this.#owner = owner;
    endpoint.connections++;
    const { host } = endpoint.options;
    const scheme = cluster.tls === null ? "http" : "https";
    const options: ClientSessionOptions & Lenient = {
      createConnection: () => this.#dial(),
      maxSessionMemory: SESSION_MEMORY_MB,
      strictSingleValueFields: false,
      settings: { enablePush: false, initialWindowSize: windows.stream, maxHeaderListSize: 64 * 1024 },
    };
    this.#http2 = connectHttp2(`${scheme}://${host.includes(":") ? `[${host}]` : host}`, options);
    this.#listen();
    this.#schedule(cluster.options.connectTimeoutMs);
  }

  /** Streams that may be opened now, beyond those that are; 0 until the peer's SETTINGS have come. */
  get room(): number {
    return this.#ready && !this.#gone ? this.#peerStreams - this.streams : 0;
  }

  get opening(): boolean {
    return !this.#ready && !this.#gone;
  }

  // Its own socket, so that the end of the connection is heard here before node:http2 closes the streams with codes that
  // look as if the peer had reset them.
  #dial(): Socket {
    const { host, port } = this.endpoint.options;
    const address = { host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS };
    const { tls } = this.#cluster;
    const socket = tls === null ? connectTcp(address) : this.#dialTls(tls, address);
    socket.on("error", (error) => this.#lose(tls === null ? error.message : failureText(error)));
    socket.on("end", () => this.#lose("the peer closed the connection"));
    socket.on("close", () => this.#lose(this.#reason));
    return socket;
  }

  /** HTTP/2 over TLS is agreed on (RFC 9113 3.2): a peer that does not say so would take it for a broken HTTP/1.1. */
  #dialTls(tls: ClusterTls, address: TcpSocketConnectOpts): Socket {
    const target = { host: address.host ?? "", port: address.port, alpn: "h2" };
    return tls.connect(target, { ...address }, (facts) => {
      this.tls = facts;
      if (facts.alpn !== "h2") this.#lose("the peer does not speak HTTP/2");
    });
  }

  #listen(): void {
    const http2 = this.#http2;
    http2.on("connect", () => {
      // The event may come after the end: it is sent out a tick later.
      if (!http2.destroyed) http2.setLocalWindowSize(this.#windows.session);
    });
    http2.on("remoteSettings", ({ maxConcurrentStreams = Infinity }) => {
      this.#peerStreams = maxConcurrentStreams;
      if (this.#ready) this.#owner.sessionOpened(this);
      else this.#opened();
    });
    http2.on("goaway", (code) => {
      if (code !== constants.NGHTTP2_NO_ERROR) this.#lose(`GOAWAY with code ${code}`);
      this.#retire();
    });
    http2.on("error", (error) => this.#lose(error.message));
    http2.on("close", () => {
      this.#lose(this.#reason);
      this.endpoint.connections--;
    });
  }

  #opened(): void {
    if (this.#lost) return;
    this.#ready = true;
    this.#inputs.wheel.cancel(this.#deadline);
    this.#owner.sessionOpened(this);
    if (this.#gone) this.#http2.close();
    else if (this.streams === 0) this.#schedule(this.#cluster.options.idleTimeoutMs);
  }

  #schedule(ms: number): void {
    this.#inputs.wheel.schedule(this.#deadline, this.#inputs.clock.monotonicMs() + ms);
  }

  /** The connection is of no use any more, and whatever still runs on it has failed. */
  #lose(reason: string): void {
    if (this.#lost) return;
    this.#lost = true;
    this.#reason = this.#ready ? reason : `connecting to ${this.endpoint.address} failed: ${reason}`;
    if (!this.#ready) this.#notOpened(reason);
    this.#inputs.wheel.cancel(this.#deadline);
    this.#retire();
    this.#http2.destroy();
  }

  #notOpened(reason: string): void {
    const { metrics } = this.#cluster;
    this.refusal = reason === TIMED_OUT ? "upstream_connect_timeout" : "upstream_connect_failure";
    if (this.streams === 0 && !this.#owner.awaits(this)) return;
    this.endpoint.failures++;
    (reason === TIMED_OUT ? metrics.connectTimeout : metrics.connectFail).inc();
  }

  #retire(): void {
    if (this.#gone) return;
    this.#gone = true;
    if (this.#ready) this.#inputs.wheel.cancel(this.#deadline);
    this.#owner.sessionGone(this);
  }

  /** Why a stream that closed early did so, or null when the connection is not to blame. */
  get lostBecause(): string | null {
    return this.#lost || this.#http2.destroyed ? this.#reason : null;
  }

  /**
   * A new stream; the caller says {@link ended} when it is closed. Null: not on this connection any more.
   * @param whole the request has neither body nor trailers. @param trailers it may end with trailers
   */
  open(head: readonly string[], whole = false, trailers = false): ClientHttp2Stream | null {
    if (this.#gone || this.#http2.closed) return null;
    const stream = this.#request(head, { endStream: whole, waitForTrailers: trailers });
    if (stream === null) return null;
    this.streams++;
    if (this.#ready) this.#inputs.wheel.cancel(this.#deadline);
    return stream;
  }

  /** node:http2 throws when stream ids run out, for one. */
  #request(
    head: readonly string[],
    options: { endStream: boolean; waitForTrailers: boolean },
  ): ClientHttp2Stream | null {
    try {
      return this.#http2.request(head, options);
    } catch {
      return null;
    }
  }

  ended(): void {
    this.streams--;
    this.served++;
    if (this.streams === 0 && this.#ready && !this.#gone) this.#schedule(this.#cluster.options.idleTimeoutMs);
  }

  /** Takes no new streams and closes after the last. One that is being made is made for those that wait for it. */
  close(): void {
    this.#retire();
    if (this.#ready) this.#http2.close();
    else if (this.streams === 0) this.#lose("not wanted any more");
  }

  deadlineReached(): void {
    if (this.#ready) this.close();
    else this.#lose(TIMED_OUT);
  }
}
