// One gRPC call over an HTTP/2 stream: sends messages, reads the answer, and turns every way to end into one status. Bytes
// of the peer are hostile: whatever comes, the call ends once, the stream is closed, and nothing is thrown.
//
//   response head -> initialMetadata, DATA -> messages, END_STREAM -> trailingMetadata + closed
import { constants, type ClientHttp2Stream } from "node:http2";
import { firstHeader, type HeaderList } from "../../abi/headers.ts";
import { MAX_GRPC_MESSAGE_BYTES, MAX_GRPC_WAITING_BYTES } from "../../abi/limits.ts";
import { Deadline, type DeadlineOwner } from "../../base/timer-wheel.ts";
import type { GrpcCall, GrpcEvents, GrpcRequest } from "../../plugin/grpc-port.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import { inTurn } from "../turn.ts";
import { frameMessage, MessageReader, type FramingFault } from "./framing.ts";
import { metadataOf, requestHead } from "./metadata.ts";
import type { ClientSession, SessionInputs } from "../http2/client-session.ts";
import type { ClusterGuest, Sessions } from "./sessions.ts";
import * as grpc from "./status.ts";

/** Messages handed to a guest before other connections have their turn. */
const BURST = 64;

const FAULTS: Readonly<Record<FramingFault, grpc.GrpcStatus>> = {
  compressed: { code: grpc.INTERNAL, message: "a compressed message, although no encoding was offered" },
  too_large: { code: grpc.RESOURCE_EXHAUSTED, message: `a message of more than ${MAX_GRPC_MESSAGE_BYTES} bytes` },
};

export interface CallInputs extends SessionInputs {
  readonly sessions: Sessions;
}

export class Call implements GrpcCall, ClusterGuest, DeadlineOwner {
  readonly #inputs: CallInputs;
  readonly #request: GrpcRequest;
  readonly #deadline = new Deadline(this);
  readonly #reader = new MessageReader(MAX_GRPC_MESSAGE_BYTES);
  #events: GrpcEvents | null;
  #cluster: Cluster | null = null;
  #session: ClientSession | null = null;
  #calls: Set<ClusterGuest> | null = null;
  #stream: ClientHttp2Stream | null = null;
  #hasHead = false;
  #trailers: HeaderList | null = null;
  /** What was sent before the peer answered, for {@link Call.#again}; null = not wanted any more. */
  #unanswered: Buffer[] | null = [];
  #unansweredBytes = 0;
  #halfClosed = false;
  /** The peer has sent its last byte. */
  #ended = false;
  #resting = false;
  /** Messages until the next rest. */
  #left = BURST;

  constructor(request: GrpcRequest, events: GrpcEvents, inputs: CallInputs) {
    this.#request = request;
    this.#events = events;
    this.#inputs = inputs;
    const { clock, wheel } = inputs;
    if (request.timeoutMs > 0) wheel.schedule(this.#deadline, clock.monotonicMs() + request.timeoutMs);
  }

  start(cluster: Cluster | undefined): void {
    this.#cluster = cluster ?? null;
    // Twice: the first connection may just have become one that takes no new calls, and is replaced.
    if (cluster !== undefined && (this.#openOn(cluster) || this.#openOn(cluster))) return;
    this.#failLater(`no connection to cluster ${this.#request.cluster} can be had`);
  }

  #openOn(cluster: Cluster): boolean {
    const found = this.#inputs.sessions.for(cluster);
    if (found === null) return false;
    const { session, calls } = found;
    const stream = session.open(requestHead(this.#request, cluster.tls === null ? "http" : "https"));
    if (stream === null) {
      session.close();
      return false;
    }
    this.#stream = stream;
    this.#session = session;
    this.#calls = calls.add(this);
    session.endpoint.active++;
    session.endpoint.requests++;
    this.#listen(stream);
    return true;
  }

  // Not at once (the caller gets its handle first), and not on a microtask: a guest that tries again must let sockets speak.
  #failLater(message: string): void {
    setImmediate(() => inTurn(() => this.#finish({ code: grpc.UNAVAILABLE, message })));
  }

  #listen(stream: ClientHttp2Stream): void {
    stream.on("response", (_headers, flags, raw) => inTurn(() => this.#answered(raw ?? [], flags)));
    stream.on("trailers", (_headers, _flags, raw) => {
      this.#trailers = metadataOf(raw ?? []);
    });
    stream.on("data", (chunk: Buffer) => {
      if (this.#events === null) return;
      this.#reader.feed(chunk);
      if (!this.#resting) inTurn(() => this.#read());
    });
    stream.on("end", () => {
      if (this.#trailers !== null) this.#allCame();
      // Either the peer forgot its trailers or the stream was broken off: then it closes soon, and its close says why.
      else setImmediate(() => void (stream.rstCode === 0 && !stream.destroyed && this.#allCame()));
    });
    stream.on("error", () => {
      // What it means is decided when the stream closes.
    });
    stream.on("close", () => inTurn(() => this.#closed(stream)));
  }

  #answered(raw: readonly string[], flags: number): void {
    this.#unanswered = null;
    this.#hasHead = true;
    if (this.#events === null) return;
    const status = Number(raw[raw.indexOf(":status") + 1]);
    if (status >= 100 && status <= 599) this.#cluster?.metrics.response(status);
    const metadata = metadataOf(raw);
    const last = (flags & constants.NGHTTP2_FLAG_END_STREAM) !== 0;
    const isGrpc = firstHeader(metadata, "content-type")?.startsWith("application/grpc") === true;
    // Trailers only: all there is to say is in the head, and it counts as trailers.
    if (last && firstHeader(metadata, "grpc-status") !== undefined) this.#trailers = metadata;
    this.#events.initialMetadata(last ? [] : metadata);
    if (this.#trailers === null && (status !== 200 || !isGrpc)) this.#finish(grpc.statusOfHttp(status));
  }

  #allCame(): void {
    this.#ended = true;
    if (!this.#resting) inTurn(() => this.#read());
  }

  /** Hands over what has come, a burst at a time, and ends the call after the last of it. */
  #read(): void {
    this.#resting = false;
    while (this.#events !== null) {
      if (this.#left === 0) return this.#rest();
      const message = this.#reader.next();
      if (message === null) break;
      if (typeof message === "string") return this.#finish(FAULTS[message]);
      this.#left--;
      this.#events.message(message);
    }
    if (this.#ended) this.#complete();
  }

  #rest(): void {
    this.#resting = true;
    this.#left = BURST;
    this.#stream?.pause();
    setImmediate(() => {
      inTurn(() => this.#read());
      if (!this.#resting) this.#stream?.resume();
    });
  }

  #complete(): void {
    if (this.#events === null) return;
    if (!this.#hasHead) {
      this.#finish(grpc.statusOfReset(constants.NGHTTP2_NO_ERROR));
      return;
    }
    if (this.#reader.isInside) {
      this.#finish({ code: grpc.INTERNAL, message: "the answer ended inside a message" });
      return;
    }
    const trailers = this.#trailers ?? [];
    if (this.#trailers !== null) this.#events.trailingMetadata(trailers);
    this.#finish(grpc.statusOfTrailers(firstHeader(trailers, "grpc-status"), firstHeader(trailers, "grpc-message")));
  }

  #closed(stream: ClientHttp2Stream): void {
    this.#session?.ended();
    const session = this.#session;
    this.#session = null;
    if (session !== null) session.endpoint.active--;
    if (this.#events === null) return;
    const lost = session?.lostBecause ?? null;
    const code = stream.rstCode;
    const isWhole = this.#trailers === null ? code === 0 && lost === null : stream.readableLength === 0;
    // Everything had come, and only the reading of it was put off.
    if (this.#ended || isWhole) return this.#allCame();
    if (code === constants.NGHTTP2_REFUSED_STREAM && this.#again()) return;
    this.#cluster?.metrics.reset.inc();
    this.#finish(lost === null ? grpc.statusOfReset(code) : { code: grpc.UNAVAILABLE, message: latin1Bytes(lost) });
  }

  /**
   * Sends all of it once more, on a connection that takes it: the peer says that it has processed nothing (RFC 9113 8.7), as
   * it does with calls that met its GOAWAY on their way.
   */
  #again(): boolean {
    const frames = this.#unanswered;
    this.#unanswered = null;
    if (frames === null || this.#cluster === null || !this.#openOn(this.#cluster)) return false;
    for (const frame of frames) this.#stream?.write(frame);
    if (this.#halfClosed) this.#stream?.end();
    return true;
  }

  #remember(frame: Buffer): void {
    this.#unansweredBytes += frame.length;
    if (this.#unansweredBytes > MAX_GRPC_WAITING_BYTES) this.#unanswered = null;
    this.#unanswered?.push(frame);
  }

  send(message: Buffer): boolean {
    const stream = this.#stream;
    // The stream is gone or was never there: the status is on its way, and says more than this answer could.
    if (this.#events === null || stream === null || stream.destroyed || stream.writableEnded) return true;
    if (stream.writableLength + message.length > MAX_GRPC_WAITING_BYTES) return false;
    const frame = frameMessage(message);
    if (this.#unanswered !== null) this.#remember(frame);
    stream.write(frame);
    return true;
  }

  close(): void {
    this.#halfClosed = true;
    const stream = this.#stream;
    if (this.#events !== null && stream !== null && !stream.destroyed) stream.end();
  }

  cancel(): void {
    this.#end();
  }

  deadlineReached(): void {
    this.#cluster?.metrics.timeout.inc();
    inTurn(() => this.#finish({ code: grpc.DEADLINE_EXCEEDED, message: "the deadline has passed" }));
  }

  /** Calls with a deadline end by themselves; a stream would hold on to a cluster that is gone for ever. */
  clusterClosed(): void {
    if (this.#request.timeoutMs === 0) this.#failLater(`cluster ${this.#request.cluster} was changed or removed`);
  }

  #finish({ code, message }: grpc.GrpcStatus): void {
    const events = this.#end();
    events?.closed(code, message);
  }

  /** Lets go of everything; gives whom to tell, once. */
  #end(): GrpcEvents | null {
    const events = this.#events;
    this.#events = null;
    this.#unanswered = null;
    this.#inputs.wheel.cancel(this.#deadline);
    this.#calls?.delete(this);
    const stream = this.#stream;
    this.#stream = null;
    if (stream === null) return events;
    // A stream that is over on both sides closes by itself. All others are reset, also after a whole answer: a peer that
    // reads no more of the request would keep the stream open for ever.
    if (!stream.destroyed && !(this.#ended && stream.writableFinished)) stream.close(constants.NGHTTP2_CANCEL);
    stream.resume();
    return events;
  }
}

const latin1Bytes = (text: string): string => Buffer.from(text).latin1Slice();
