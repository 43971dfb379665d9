// One HTTP/2 connection to an endpoint, with prior knowledge (h2c) or, in a cluster with TLS, agreed on by ALPN; shared by all gRPC calls of this data thread to it. Ends
// by itself: when the dial or the peer's SETTINGS take too long, when nothing has run on it for the idle timeout, on GOAWAY
// once its calls are over, and when the peer goes. Whatever ends it, `owner.sessionGone` is told once.
import { connect as connectHttp2, constants, type ClientHttp2Session, type ClientHttp2Stream } from "node:http2";
import { connect as connectTcp, type Socket, type TcpSocketConnectOpts } from "node:net";
import type { Clock } from "../../base/clock.ts";
import { Deadline, type DeadlineOwner, type TimerWheel } from "../../base/timer-wheel.ts";
import { failureText } from "../../tls/failure.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { ClusterTls } from "../../upstream/cluster-tls.ts";
import type { Endpoint } from "../../upstream/endpoint.ts";

/** Bytes a peer may send ahead of what is read: per stream, and over all streams of the connection. */
const STREAM_WINDOW = 256 * 1024;
const SESSION_WINDOW = 1024 * 1024;
/** A peer that vanished without a word is noticed at some time. */
const KEEP_ALIVE_MS = 30_000;
/** What node:http2 may hold for one connection, megabytes: messages on their way out among it. */
const SESSION_MEMORY_MB = 256;

const TIMED_OUT = "timeout";

export interface SessionOwner {
  /** No new calls on it; calls that run may still end well. */
  sessionGone(session: Session): void;
}

export interface SessionInputs {
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

export class Session implements DeadlineOwner {
  readonly endpoint: Endpoint;
  readonly #cluster: Cluster;
  readonly #inputs: SessionInputs;
  readonly #owner: SessionOwner;
  readonly #deadline = new Deadline(this);
  readonly #http2: ClientHttp2Session;
  #ready = false;
  #streams = 0;
  #gone = false;
  #lost = false;
  /** Why the connection could not be used, for people. */
  #reason = "the connection was closed";

  constructor(cluster: Cluster, endpoint: Endpoint, inputs: SessionInputs, owner: SessionOwner) {
    this.#cluster = cluster;
    this.endpoint = endpoint;
    this.#inputs = inputs;
    this.#owner = owner;
    endpoint.connections++;
    const { host } = endpoint.options;
    const scheme = cluster.tls === null ? "http" : "https";
    this.#http2 = connectHttp2(`${scheme}://${host.includes(":") ? `[${host}]` : host}`, {
      createConnection: () => this.#dial(),
      maxSessionMemory: SESSION_MEMORY_MB,
      settings: { enablePush: false, initialWindowSize: STREAM_WINDOW, maxHeaderListSize: 64 * 1024 },
    });
    this.#listen();
    this.#schedule(cluster.options.connectTimeoutMs);
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
    return tls.connect(target, { ...address }, ({ alpn }) => {
      if (alpn !== "h2") this.#lose("the peer does not speak HTTP/2");
    });
  }

  #listen(): void {
    const http2 = this.#http2;
    http2.on("connect", () => {
      // The event may come after the end: it is sent out a tick later.
      if (!http2.destroyed) http2.setLocalWindowSize(SESSION_WINDOW);
    });
    http2.on("remoteSettings", () => this.#opened());
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
    if (this.#ready || this.#lost) return;
    this.#ready = true;
    this.#inputs.wheel.cancel(this.#deadline);
    if (this.#gone) this.#http2.close();
    else if (this.#streams === 0) this.#schedule(this.#cluster.options.idleTimeoutMs);
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
    if (this.#streams === 0) return;
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

  /** A new stream; the caller says {@link ended} when it is closed. Null: not on this connection any more. */
  open(head: readonly string[]): ClientHttp2Stream | null {
    if (this.#gone || this.#http2.closed) return null;
    const stream = this.#request(head);
    if (stream === null) return null;
    this.#streams++;
    if (this.#ready) this.#inputs.wheel.cancel(this.#deadline);
    return stream;
  }

  /** node:http2 throws when stream ids run out, for one. */
  #request(head: readonly string[]): ClientHttp2Stream | null {
    try {
      return this.#http2.request(head, { endStream: false });
    } catch {
      return null;
    }
  }

  ended(): void {
    this.#streams--;
    if (this.#streams === 0 && this.#ready && !this.#gone) this.#schedule(this.#cluster.options.idleTimeoutMs);
  }

  /** Takes no new calls and closes after the last. One that is being made is made for the calls that wait for it. */
  close(): void {
    this.#retire();
    if (this.#ready) this.#http2.close();
    else if (this.#streams === 0) this.#lose("not wanted any more");
  }

  deadlineReached(): void {
    if (this.#ready) this.close();
    else this.#lose(TIMED_OUT);
  }
}
