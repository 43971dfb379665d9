// gRPC call-outs: unary calls and streams, with objects that are called as answers come. Messages are bytes: encode and
// decode them yourself. What comes for a stream that ended is dropped, and its calls are cancelled. Ids belong to the plugin
// context, answers arrive there (abi.md 5.5).
import * as buffer from "./abi/buffer";
import * as map from "./abi/map";
import { BodyView } from "./body";
import { Bytes } from "./bytes";
import * as env from "./env";
import { HeaderView } from "./headers";
import { onGrpc } from "./hooks";
import { accepted } from "./host-status";
import { Context } from "./owner";
import { PairsBuilder } from "./pairs";
import { out, outPtr, outSize } from "./scratch";
import { actOn } from "./scope";
import { decode, encode, encodedSize } from "./text/utf8";
import { Waiter } from "./waiter";

/** How a call ended (grpc/grpc doc/statuscodes.md). */
export enum GrpcStatus {
  Ok = 0,
  Cancelled = 1,
  Unknown = 2,
  InvalidArgument = 3,
  DeadlineExceeded = 4,
  NotFound = 5,
  AlreadyExists = 6,
  PermissionDenied = 7,
  ResourceExhausted = 8,
  FailedPrecondition = 9,
  Aborted = 10,
  OutOfRange = 11,
  Unimplemented = 12,
  Internal = 13,
  Unavailable = 14,
  DataLoss = 15,
  Unauthenticated = 16,
}

/** A method to call. Build it in the callback that calls it: its parts live in scratch memory. */
export class GrpcRequest {
  private pairs: PairsBuilder = new PairsBuilder();
  private content: Bytes = Bytes.at(0, 0);

  /** `new GrpcRequest("envoy.service.auth.v3.Authorization", "Check")` */
  constructor(
    private service: string,
    private method: string,
  ) {}
  /** Adds metadata. The value of a name that ends in `-bin` must be base64 already. */
  metadata(name: string, value: string): this {
    this.pairs.add(name, value);
    return this;
  }
  /** The message of a unary call. */
  message(bytes: Bytes): this {
    this.content = bytes;
    return this;
  }
  /** The message of a unary call, from text. */
  messageText(text: string): this {
    this.content = Bytes.from(text);
    return this;
  }
  /** For `GrpcCall`: sends; the id is then in `out`. */
  call(cluster: string, timeoutMs: u32): bool {
    const target = encode(cluster);
    const targetSize = encodedSize;
    const service = encode(this.service);
    const serviceSize = encodedSize;
    const method = encode(this.method);
    const methodSize = encodedSize;
    const pairs = this.pairs.pack();
    const content = this.content;
    return accepted(
      env.proxy_grpc_call(
        target,
        targetSize,
        service,
        serviceSize,
        method,
        methodSize,
        pairs.ptr,
        pairs.length,
        content.ptr,
        content.length,
        timeoutMs,
        out,
      ),
    );
  }
  /** For `GrpcStream`: opens; the id is then in `out`. */
  stream(cluster: string): bool {
    const target = encode(cluster);
    const targetSize = encodedSize;
    const service = encode(this.service);
    const serviceSize = encodedSize;
    const method = encode(this.method);
    const methodSize = encodedSize;
    const pairs = this.pairs.pack();
    return accepted(
      env.proxy_grpc_stream(target, targetSize, service, serviceSize, method, methodSize, pairs.ptr, pairs.length, out),
    );
  }
}

// Static objects, made inside functions so that filters without gRPC do not carry their bytes.
function initialMetadata(): HeaderView {
  return changetype<HeaderView>(memory.data<u32>([map.GRPC_CALL_INITIAL_METADATA]));
}
function trailingMetadata(): HeaderView {
  return changetype<HeaderView>(memory.data<u32>([map.GRPC_CALL_TRAILING_METADATA]));
}
function messageOf(size: u32): BodyView {
  return changetype<BodyView>(memory.data<u32>([buffer.GRPC_CALL_MESSAGE, 0, 0])).arm(size, true);
}

/** The server's words for the status, inside the close callback; "" when it gives none. */
function statusMessage(): string {
  return env.proxy_get_status(out, out + 4, out + 8) == 0 ? decode(outSize(), load<usize>(out, 8)) : "";
}

/** What runs as a call or a stream comes back. Extend GrpcCall or GrpcStream. */
export abstract class GrpcHandler extends Waiter {
  /** The host's id; 0 before the start and after the end. */
  protected id: u32 = 0;

  /** The server's initial metadata, before the first message. */
  onInitialMetadata(metadata: HeaderView): void {}
  /** The server's trailing metadata, before the end; also when a unary call fails. */
  onTrailingMetadata(metadata: HeaderView): void {}
  /** For the dispatcher: a message came; `message` is the same object each time. */
  abstract received(message: BodyView): void;
  /** For the dispatcher: it is over. */
  abstract finished(status: u32): void;

  /** Whether it runs: false before it was started and after its end. */
  get open(): bool {
    return this.id != 0;
  }
  /** Ends it; no callback follows. False when it is over already. *Portable.* */
  cancel(): bool {
    const id = this.id;
    if (id == 0) return false;
    this.over();
    return accepted(env.proxy_grpc_cancel(id));
  }
  /** For the start: remembers this under the id in `out`. */
  expect(owner: Context): void {
    this.id = <u32>outPtr();
    this.forget = (waiter: Waiter) => {
      changetype<GrpcHandler>(waiter).cancel();
    };
    handlers().set(this.id, this);
    this.attach(owner);
  }
  /** For the dispatcher: it is over, nothing waits for it. */
  over(): void {
    handlers().delete(this.id);
    this.id = 0;
    this.detach();
  }
}

/** The answer to a unary call; readable only within `onResponse`. */
@unmanaged
export class GrpcResponse {
  private code: u32;
  private size: u32;

  /** For GrpcCall: the same static object for the next answer; `size` in bytes. */
  arm(code: u32, size: u32): GrpcResponse {
    this.code = code;
    this.size = size;
    return this;
  }
  /** Whether there is a message. */
  get ok(): bool {
    return this.code == 0;
  }
  /** Ok, or why there is no message: the server's status, DeadlineExceeded, Unavailable ... */
  get status(): GrpcStatus {
    return <GrpcStatus>this.code;
  }
  /** The words that came with a failure; "" when there are none. */
  get statusMessage(): string {
    return this.ok ? "" : statusMessage();
  }
  /** The message, read-only; empty when there is none. */
  body(): BodyView {
    return messageOf(this.size);
  }
}

function responseOf(code: u32, size: u32): GrpcResponse {
  return changetype<GrpcResponse>(memory.data(8)).arm(code, size);
}

/** What runs when a unary call comes back: an object with fields, where JavaScript would have a closure. One per call. */
export abstract class GrpcCall extends GrpcHandler {
  /** The answer or the failure, exactly once. Host calls act on the stream that asked. */
  abstract onResponse(response: GrpcResponse): void;

  // The message is the end: Envoy does not call back after it, and with it there is nothing more to know.
  /** For `GrpcHandler`: a message came. */
  received(message: BodyView): void {
    this.over();
    this.onResponse(responseOf(GrpcStatus.Ok, message.size));
  }
  /** For `GrpcHandler`: it is over. */
  finished(status: u32): void {
    this.onResponse(responseOf(status, 0));
  }
}

/** A stream in both directions. Its callbacks act on the stream (or root) that opened it. */
export abstract class GrpcStream extends GrpcHandler {
  /** A message; readable only here. */
  abstract onMessage(message: BodyView): void;
  /** The end, exactly once unless cancelled: the server's status, or Unavailable and others when the connection failed. */
  abstract onClose(status: GrpcStatus, reason: string): void;

  /** For `GrpcHandler`: a message came. */
  received(message: BodyView): void {
    this.onMessage(message);
  }
  /** For `GrpcHandler`: it is over. */
  finished(status: u32): void {
    this.onClose(<GrpcStatus>status, statusMessage());
  }
  /**
   * Sends a message; with `last`, nothing follows from here. False when it was not taken: larger than 1 MiB, too much
   * waits for a slow server, `last` was said before, or the stream is over. *Portable.*
   */
  send(message: Bytes, last: bool = false): bool {
    return accepted(env.proxy_grpc_send(this.id, message.ptr, message.length, last ? 1 : 0));
  }
  /** As `send`, from text. */
  sendText(text: string, last: bool = false): bool {
    return this.send(Bytes.from(text), last);
  }
  /** Says that nothing follows from here; the server may go on. *Portable.* */
  end(): bool {
    return accepted(env.proxy_grpc_close(this.id));
  }
}

let byId: Map<u32, GrpcHandler> | null = null;

function handlers(): Map<u32, GrpcHandler> {
  let map = byId;
  if (map === null) byId = map = new Map<u32, GrpcHandler>();
  return map;
}

/** Starts a unary call; false when the host refuses (`lastStatus()`): then `then` is never called. */
export function grpcCallFrom(owner: Context, cluster: string, request: GrpcRequest, ms: u32, then: GrpcCall): bool {
  return request.call(cluster, ms) && started(owner, then);
}

/** Opens a stream; false when the host refuses (`lastStatus()`): then `then` is never called. */
export function grpcStreamFrom(owner: Context, cluster: string, request: GrpcRequest, then: GrpcStream): bool {
  return request.stream(cluster) && started(owner, then);
}

function started(owner: Context, then: GrpcHandler): bool {
  onGrpc(answerGrpc);
  then.expect(owner);
  return true;
}

/** For the exports in proxy.ts, through hooks.ts: which of the four callbacks runs. */
export enum GrpcEvent {
  InitialMetadata,
  Message,
  TrailingMetadata,
  Close,
}

/** Unknown ids are late answers and are dropped. */
function answerGrpc(event: u32, id: u32, value: u32): void {
  if (!handlers().has(id)) return;
  const handler = handlers().get(id);
  const owner = handler.owner;
  if (owner === null) return;
  if (event == GrpcEvent.Close) handler.over();
  actOn(owner);
  if (event == GrpcEvent.InitialMetadata) handler.onInitialMetadata(initialMetadata());
  else if (event == GrpcEvent.Message) handler.received(messageOf(value));
  else if (event == GrpcEvent.TrailingMetadata) handler.onTrailingMetadata(trailingMetadata());
  else handler.finished(value);
}
