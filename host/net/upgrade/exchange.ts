// An exchange that is to change its protocol: filters see its head, the upstream accepts with 101, and from then on bytes
// go both ways until both sides have ended, through the body callbacks of the filters that have some (abi.md 17: bytes as
// body). An upstream that declines answers as to any request.
//
//   asking -> established -> one side ended -> both ended
//          -> answered like any other request
import type { HeaderList } from "../../abi/headers.ts";
import type { ErrorCode } from "../../base/errors.ts";
import type { ClientSide, ListenerContext } from "../client-side.ts";
import { Exchange } from "../exchange.ts";
import { CONNECT } from "./agree.ts";
import { Handshake } from "./handshake.ts";
import { addForwarded } from "../forwarded.ts";
import type { IncomingHead } from "../incoming-head.ts";

export interface UpgradeInputs {
  readonly head: IncomingHead;
  readonly startMs: number;
  /** Lower-case. */
  readonly type: string;
  /** It is not allowed. */
  readonly refused: boolean;
}

export class UpgradeExchange extends Exchange {
  readonly #type: string;
  readonly #refused: boolean;
  readonly #context: ListenerContext;
  /** Ours to make: HTTP/2 has none. */
  #handshake: Handshake | null = null;
  #established = false;
  #requestEnded = false;
  #answerEnded = false;

  constructor(client: ClientSide, context: ListenerContext, inputs: UpgradeInputs) {
    super(client, context, inputs.head, inputs.startMs);
    this.#context = context;
    this.#type = inputs.type;
    this.#refused = inputs.refused;
    this.upload.changesTo(inputs.type);
  }

  override begin(head: IncomingHead): void {
    if (this.#refused) {
      addForwarded(head, this.facts, this.#context);
      this.fail("upgrade_refused");
      return;
    }
    if (this.#type === "websocket" && head.protocol === "HTTP/2") {
      this.#handshake = new Handshake(head.headers, this.#context.requestIds);
    }
    // For the filters to see; what is sent is written by the codec.
    if (this.#type !== CONNECT) head.headers.push("connection", "upgrade", "upgrade", this.#type);
    super.begin(head, false);
  }

  override upstreamHead(headers: HeaderList, length: number, endStream: boolean): void {
    if (headers[1] === this.#yes) {
      if (this.#handshake?.accepts(headers) === false) return this.fail("upstream_protocol_error");
      if (this.#type !== CONNECT) headers.push("connection", "upgrade", "upgrade", this.#type);
      this.#established = true;
      this.facts.upgrade = this.#type;
      this.answer.upgrade = this.#type;
      // The route's timeout was for the answer; how long the conversation may be silent is the stream's idle timeout.
      this.deadlines.routeChosen(0);
      this.client.deadlinesChanged();
    } else if (this.facts.protocol === "HTTP/2" && headers[1]?.startsWith("2") === true) {
      // There it would say yes (RFC 8441 5).
      return this.fail("upstream_protocol_error", "the upstream did not change to the protocol that was asked for");
    }
    super.upstreamHead(headers, length, endStream);
  }

  override forwardResponseHeaders(headers: HeaderList, endStream: boolean): void {
    if (this.#established && headers[1] !== this.#yes) {
      this.fail("internal_error", "a filter replaced the answer to an upgrade without answering by itself");
      return;
    }
    super.forwardResponseHeaders(headers, endStream);
    if (this.#established && this.answer.started) this.client.openTunnel();
  }

  override forwardRequestBody(chunk: Buffer, endStream: boolean): void {
    super.forwardRequestBody(chunk, endStream);
    if (!endStream) return;
    this.#requestEnded = true;
    if (this.#answerEnded) this.finish();
  }

  override stopRequest(details: string): void {
    this.#giveUp();
    super.stopRequest(details);
  }

  override fail(code: ErrorCode, sentence?: string): void {
    if (!this.answer.started) this.#giveUp();
    super.fail(code, sentence);
  }

  override expire(nowMs: number): void {
    if (!this.#established) super.expire(nowMs);
    else if (this.deadlines.expire(nowMs) !== null) this.fail("stream_idle_timeout");
  }

  protected override answerEnded(): void {
    this.#answerEnded = true;
    if (!this.#established || this.#requestEnded) this.finish();
  }

  /** The status that opens the tunnel. */
  get #yes(): string {
    return this.#type === CONNECT ? "200" : "101";
  }

  /** Whatever the client reads now is an answer in HTTP. */
  #giveUp(): void {
    this.#established = false;
    this.answer.upgrade = "";
  }
}
