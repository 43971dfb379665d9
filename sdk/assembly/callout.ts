// HTTP call-outs: a request built in scratch, and an object that is called with the answer. The answer of a stream that
// ended is dropped. Ids belong to the plugin context, answers arrive there (abi.md 5.5).
import * as buffer from "./abi/buffer";
import * as map from "./abi/map";
import { BodyView } from "./body";
import { Bytes } from "./bytes";
import * as env from "./env";
import { HeaderView, RequestHead } from "./headers";
import { onAnswer } from "./hooks";
import { accepted } from "./host-status";
import { Context } from "./owner";
import { PairsBuilder } from "./pairs";
import { out, outPtr, outSize } from "./scratch";
import { actOn } from "./scope";
import { decode, encode, encodedSize } from "./text/utf8";
import { Waiter } from "./waiter";

/** Why a call-out has no answer. */
export enum CallFailure {
  /** It has one. */
  None,
  /** No connection: no healthy endpoint, connect failure, too many requests waiting. */
  Refused,
  /** The timeout passed. */
  Timeout,
  /** The connection broke (Envoy says this for everything). */
  Reset,
  /** Something else; `CallResponse.failureText` has the host's words. */
  Unknown,
}

/** A request to send. Build it in the callback that sends it: its parts live in scratch memory. */
export class OutRequest {
  private headers: PairsBuilder = new PairsBuilder();
  private trailers: PairsBuilder = new PairsBuilder();
  private content: Bytes = Bytes.at(0, 0);

  /** `authority` is the `:authority` the upstream sees. */
  constructor(method: string, path: string, authority: string) {
    this.headers.add(":method", method).add(":path", path).add(":authority", authority);
  }
  /** Adds a header. */
  header(name: string, value: string): this {
    this.headers.add(name, value);
    return this;
  }
  /** Copies a header of the request, if it is there. */
  copyHeader(from: RequestHead, name: string): this {
    const value = from.headers.bytes(name);
    if (value) this.headers.addBytes(name, value);
    return this;
  }
  /** The body as bytes; the host sets `content-length`. */
  bodyBytes(bytes: Bytes): this {
    this.content = bytes;
    return this;
  }
  /** The body as text. */
  body(text: string): this {
    this.content = Bytes.from(text);
    return this;
  }
  /** Adds a trailer. */
  trailer(name: string, value: string): this {
    this.trailers.add(name, value);
    return this;
  }
  /** Sends; the token is then in `out`. */
  send(cluster: string, timeoutMs: u32): bool {
    const headers = this.headers.pack();
    const trailers = this.trailers.pack();
    const body = this.content;
    const name = encode(cluster);
    return accepted(
      env.proxy_http_call(
        name,
        encodedSize,
        headers.ptr,
        headers.length,
        body.ptr,
        body.length,
        trailers.ptr,
        trailers.length,
        timeoutMs,
        out,
      ),
    );
  }
}

const HEADERS: HeaderView = changetype<HeaderView>(memory.data<u32>([map.HTTP_CALL_RESPONSE_HEADERS]));
const TRAILERS: HeaderView = changetype<HeaderView>(memory.data<u32>([map.HTTP_CALL_RESPONSE_TRAILERS]));
const BODY: BodyView = changetype<BodyView>(memory.data<u32>([buffer.HTTP_CALL_RESPONSE_BODY, 0, 0]));

/** The answer; readable only within `onResponse`. */
@unmanaged
export class CallResponse {
  private headerCount: u32;
  private bodySize: u32;
  private trailerCount: u32;

  /** For `answerCall`: the same static object for the next answer. */
  arm(headerCount: u32, bodySize: u32, trailerCount: u32): CallResponse {
    this.headerCount = headerCount;
    this.bodySize = bodySize;
    this.trailerCount = trailerCount;
    return this;
  }

  /** False when there is no answer: timeout, reset, no endpoint. A 500 is an answer. */
  get ok(): bool {
    return this.headerCount > 0;
  }
  /** Why there is none. */
  get failure(): CallFailure {
    if (this.ok) return CallFailure.None;
    const text = this.failureText;
    if (text == "timeout") return CallFailure.Timeout;
    if (text == "reset") return CallFailure.Reset;
    const refused = text == "connect_failure" || text == "no_healthy_upstream" || text == "overflow";
    return refused ? CallFailure.Refused : CallFailure.Unknown;
  }
  /** The host's reason (abi.md 5.1 `proxy_get_status`); "" when it gives none. */
  get failureText(): string {
    return env.proxy_get_status(out, out + 4, out + 8) == 0 ? decode(outSize(), load<usize>(out, 8)) : "";
  }
  /** Status code; 0 when there is no answer. */
  get status(): i32 {
    const text = this.ok ? HEADERS.bytes(":status") : null;
    return text ? <i32>text.parseInt() : 0;
  }
  /** Response headers. */
  get headers(): HeaderView {
    return HEADERS;
  }
  /** Response trailers. */
  get trailers(): HeaderView {
    return TRAILERS;
  }
  /** Whether there are trailers. */
  get hasTrailers(): bool {
    return this.trailerCount > 0;
  }
  /** The whole body, read-only. */
  body(): BodyView {
    return BODY.arm(this.bodySize, true);
  }
}

const RESPONSE: CallResponse = changetype<CallResponse>(memory.data(12));
let byToken: Map<u32, Continuation> | null = null;

function waiting(): Map<u32, Continuation> {
  let map = byToken;
  if (map === null) byToken = map = new Map<u32, Continuation>();
  return map;
}

/** What runs when a call-out comes back: an object with fields, where JavaScript would have a closure. One per call. */
export abstract class Continuation extends Waiter {
  protected token: u32 = 0;

  /** The answer or the failure. Host calls act on the stream that asked. */
  abstract onResponse(response: CallResponse): void;

  /** For Context.call: remembers this under the token in `out`. */
  expect(owner: Context): void {
    this.token = <u32>outPtr();
    this.forget = (waiter: Waiter) => {
      waiting().delete(changetype<Continuation>(waiter).token);
    };
    waiting().set(this.token, this);
    this.attach(owner);
  }
}

/** Sends `request`; false when the host refuses (`lastStatus()`): then `then` is never called. */
export function callFrom(owner: Context, cluster: string, request: OutRequest, ms: u32, then: Continuation): bool {
  if (!request.send(cluster, ms)) return false;
  onAnswer(answerCall);
  then.expect(owner);
  return true;
}

/** For the dispatcher, through hooks.ts. Unknown tokens are late answers and are dropped. */
function answerCall(token: u32, headers: u32, bodySize: u32, trailers: u32): void {
  if (!waiting().has(token)) return;
  const then = waiting().get(token);
  waiting().delete(token);
  const owner = then.owner;
  then.detach();
  if (owner === null) return;
  actOn(owner);
  then.onResponse(RESPONSE.arm(headers, bodySize, trailers));
}
