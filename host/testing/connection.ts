// The fake TCP connection of the testing kit: a test says what client and upstream send, and reads what the filters let
// pass. As with TestExchange, everything behind it is the real host.
import * as peer from "../../sdk/assembly/abi/peer.ts";
import type { StreamFacts } from "../chain/ports.ts";
import type { TcpPort, TcpSide, TcpStream } from "../chain/tcp-ports.ts";

const toBuffer = (data: string | Uint8Array): Buffer => Buffer.from(data as string);

/** What has come out on one side. */
export class RecordedBytes {
  /** No byte follows: the half-close has passed. */
  ended = false;
  #chunks: Buffer[] = [];

  append(chunk: Buffer, end: boolean): void {
    if (chunk.length > 0) this.#chunks.push(Buffer.from(chunk));
    this.ended ||= end;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.#chunks);
  }

  get text(): string {
    return this.bytes.toString("utf8");
  }
}

export type ConnectionState = "paused" | "open" | "closed" | "reset";

/** One connection under test. It begins with `harness.connect()`. */
export class TestConnection implements TcpPort {
  readonly facts: StreamFacts;
  /** What the upstream, and the client, have been sent. */
  readonly toUpstream = new RecordedBytes();
  readonly toClient = new RecordedBytes();
  /** Every filter has let the new connection pass: the upstream would be dialled now. */
  connected = false;
  /** Why it was closed in order, or broken off; null = it was not. */
  closeDetails: string | null = null;
  resetDetails: string | null = null;
  /** Reading from this side is stopped on behalf of a filter. */
  readonly held: Record<TcpSide, boolean> = { downstream: false, upstream: false };
  /** For tests of slow clients: bytes the client has not read. */
  pendingDownstream = 0;
  #stream: TcpStream | null = null;
  #ended = false;
  #closed: Record<TcpSide, boolean> = { downstream: false, upstream: false };

  constructor(facts: StreamFacts) {
    this.facts = facts;
  }

  /** Takes the stream that carries it and runs the first callbacks. */
  attach(stream: TcpStream): this {
    this.#stream = stream;
    stream.newConnection();
    return this;
  }

  get stream(): TcpStream {
    if (this.#stream === null) throw new Error("the connection has no stream yet");
    return this.#stream;
  }

  /** `paused`: a filter holds the new connection back. */
  get state(): ConnectionState {
    if (this.resetDetails !== null) return "reset";
    if (this.closeDetails !== null) return "closed";
    return this.connected ? "open" : "paused";
  }

  /** The client sends. @param end it also sends FIN */
  fromClient(data: string | Uint8Array, end = false): this {
    const bytes = toBuffer(data);
    this.facts.requestBytes += bytes.length;
    this.stream.downstreamData(bytes, end);
    return this;
  }

  /** The upstream sends. */
  fromUpstream(data: string | Uint8Array, end = false): this {
    this.stream.upstreamData(toBuffer(data), end);
    return this;
  }

  /** The client's side is gone. @param by who ended it (abi/peer.ts); default the client */
  closeClient(by: number = peer.REMOTE): this {
    if (!this.#closed.downstream) this.stream.downstreamClosed(by);
    this.#closed.downstream = true;
    return this;
  }

  /** The upstream's side is gone. @param by default the upstream */
  closeUpstream(by: number = peer.REMOTE): this {
    if (!this.#closed.upstream) this.stream.upstreamClosed(by);
    this.#closed.upstream = true;
    return this;
  }

  /** The connection is over: what is not closed yet is closed by the proxy, then on_done, on_log and on_delete run. */
  end(): this {
    if (this.#ended) return this;
    this.#ended = true;
    this.closeClient(peer.LOCAL);
    if (this.connected) this.closeUpstream(peer.LOCAL);
    this.stream.end();
    return this;
  }

  connect(): void {
    this.connected = true;
  }

  forwardUpstream(chunk: Buffer, end: boolean): void {
    this.toUpstream.append(chunk, end);
  }

  forwardDownstream(chunk: Buffer, end: boolean): void {
    this.facts.responseBytes += chunk.length;
    this.toClient.append(chunk, end);
  }

  replyDownstream(bytes: Buffer): void {
    this.forwardDownstream(bytes, false);
  }

  hold(side: TcpSide, hold: boolean): void {
    this.held[side] = hold;
  }

  close(details: string): void {
    this.closeDetails = details;
    this.facts.responseCodeDetails = details;
  }

  reset(details: string): void {
    this.resetDetails = details;
    this.facts.responseCodeDetails = details;
  }
}
