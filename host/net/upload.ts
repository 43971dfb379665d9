// The request's body on its way in: how much has come, who wants it to pause, and whether the client still waits for
// permission to send it.
import type { HeaderList } from "../abi/headers.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { ClientSide, ListenerContext } from "./client-side.ts";
import type { ExchangeDeadlines } from "./exchange-deadlines.ts";
import type { ExchangeFacts } from "./facts.ts";
import type { Addresses } from "./proxy-protocol/addresses.ts";
import type { IncomingHead } from "./incoming-head.ts";

/** Who asks for a pause; bits of a set. */
export const BY_FILTER = 1;
export const BY_PEER = 2;

export class Upload {
  /** Content-Length, or -1. */
  readonly length: number;
  /** The client came with `Expect: 100-continue`. */
  readonly expectsContinue: boolean;
  /** The client takes trailers. */
  readonly acceptsTrailers: boolean;
  /** The rest is of no interest any more: it is read and dropped. */
  stopped = false;
  /** What the request asks to change the protocol to; "" = nothing. */
  upgrade = "";
  readonly #client: ClientSide;
  readonly #facts: ExchangeFacts;
  readonly #deadlines: ExchangeDeadlines;
  #maxBytes: number;
  #holds = 0;
  #expects: boolean;

  constructor(client: ClientSide, context: ListenerContext, head: IncomingHead, of: UploadRecord) {
    const { maxBodyBytes } = context.options.limits;
    this.#client = client;
    this.#facts = of.facts;
    this.#deadlines = of.deadlines;
    this.#maxBytes = maxBodyBytes === 0 ? Infinity : maxBodyBytes;
    this.expectsContinue = head.expectsContinue;
    this.#expects = head.expectsContinue;
    this.length = head.contentLength;
    this.acceptsTrailers = head.acceptsTrailers;
  }

  /** Whose request it is. */
  get client(): Addresses {
    return this.#facts;
  }

  /** What follows the head is another protocol's: no limit on bodies is about it. @param type lower-case */
  changesTo(type: string): void {
    this.upgrade = type;
    this.#maxBytes = Infinity;
  }

  /** The client waits for a 100 it has not got, so it may never send its body. */
  get awaitsContinue(): boolean {
    return this.#expects;
  }

  /** The announced length alone is too much. */
  get tooLong(): boolean {
    return this.length > this.#maxBytes;
  }

  /** Counts a piece of `bytes` bytes. The error if it is one too many. */
  take(bytes: number, last: boolean): ErrorCode | null {
    this.#expects = false;
    if (last) this.#deadlines.requestEnded();
    if (this.stopped) return null;
    this.#facts.requestBytes += bytes;
    return this.#facts.requestBytes > this.#maxBytes ? "request_payload_too_large" : null;
  }

  /** The client is read while nobody asks for a pause. */
  hold(by: number, hold: boolean): void {
    this.#holds = hold ? this.#holds | by : this.#holds & ~by;
    if (!this.stopped) this.#client.holdRequest(this.#holds !== 0);
  }

  stop(): void {
    this.stopped = true;
    this.#holds = 0;
    this.#client.holdRequest(false);
  }

  /** Filters that keep the head but want the body: the upstream cannot be asked for the 100, so it is ours to send. */
  continueForFilters(): void {
    if (!this.stopped && this.#holds === 0) this.sendContinue();
  }

  /** The upstream has sent a 1xx. */
  informed(status: number, headers: HeaderList): void {
    if (status === 103) this.#client.sendInformational(103, headers);
    else if (status === 100) this.sendContinue();
  }

  sendContinue(): void {
    if (!this.#expects) return;
    this.#expects = false;
    this.#client.sendInformational(100, []);
  }
}

/** Where the exchange keeps what an upload changes. */
export interface UploadRecord {
  readonly facts: ExchangeFacts;
  readonly deadlines: ExchangeDeadlines;
}
