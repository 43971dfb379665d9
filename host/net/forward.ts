// An exchange's way to its upstream: sends the head that passed the filters, hands the answer back, keeps the facts. Ends
// either with the answer's last piece or with `fail` on its owner.
import type { HeaderList } from "../abi/headers.ts";
import type { Clock } from "../base/clock.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { ExchangeFacts } from "./facts.ts";
import type { IncomingAnswer } from "./incoming-head.ts";
import { turnTimeMs } from "./turn.ts";
import { steeredCall } from "./tries/steered.ts";
import type { ChosenConnection, OutgoingRequest, ResponseSink, UpstreamCall } from "./upstream-call.ts";

/** The exchange, as its forward sees it. */
export interface ForwardOwner {
  readonly facts: ExchangeFacts;
  /** 100 or 103; the others are nobody's business beyond this hop. */
  upstreamInformational(status: number, headers: HeaderList): void;
  /** @param length Content-Length of the answer, or -1 */
  upstreamHead(headers: HeaderList, length: number, endStream: boolean): void;
  /** The bytes [from, to) are lent. */
  upstreamBody(bytes: Buffer, from: number, to: number, last: boolean): void;
  upstreamTrailers(trailers: HeaderList): void;
  /** The request body comes too fast for the upstream, or no longer does. */
  upstreamBlocked(blocked: boolean): void;
  fail(code: ErrorCode): void;
}

export class Forward implements ResponseSink {
  readonly #owner: ForwardOwner;
  readonly #clock: Clock;
  readonly #request: UpstreamCall;
  #sentMs = 0;
  #holds = 0;

  constructor(
    owner: ForwardOwner,
    clock: Clock,
    target: { readonly cluster: Cluster; readonly request: OutgoingRequest },
  ) {
    this.#owner = owner;
    this.#clock = clock;
    this.#request = steeredCall(target.cluster, this, target.request, owner.facts.notes?.decision ?? null);
  }

  /** Bytes of the request body that wait for a connection. */
  get waitingBytes(): number {
    return this.#request.waitingBytes;
  }

  start(): void {
    this.#request.start();
  }

  /** See UpstreamCall.body. */
  body(chunk: Buffer, last: boolean): boolean {
    return this.#request.body(chunk, last);
  }

  trailers(list: HeaderList): boolean {
    return this.#request.trailers(list);
  }

  /** The answer is read while nobody asks for a pause. @param by BY_FILTER or BY_PEER */
  hold(by: number, hold: boolean): void {
    this.#holds = hold ? this.#holds | by : this.#holds & ~by;
    this.#request.hold(this.#holds !== 0);
  }

  /** Gives up whatever is still under way. Idempotent. */
  drop(): void {
    this.#request.cancel();
  }

  /** The route's timeout ended it. */
  countTimeout(): void {
    this.#request.cluster.metrics.timeout.inc();
  }

  upstreamChosen({ endpoint, tls }: ChosenConnection, attempt: number): void {
    const { facts } = this.#owner;
    facts.upstreamTls = tls;
    facts.upstreamAddress = endpoint.options.host;
    facts.upstreamPort = endpoint.options.port;
    facts.upstreamEndpoint = endpoint.options;
    facts.attempts = attempt;
    this.#sentMs = turnTimeMs(this.#clock);
  }

  upstreamInformational(status: number, headers: HeaderList): void {
    this.#owner.upstreamInformational(status, headers);
  }

  upstreamHead(head: IncomingAnswer, endStream: boolean): void {
    const { facts } = this.#owner;
    facts.upstreamMs = turnTimeMs(this.#clock) - this.#sentMs;
    facts.responseCodeDetails = "via_upstream";
    this.#owner.upstreamHead(head.headers, head.contentLength, endStream);
  }

  upstreamBody(bytes: Buffer, from: number, to: number, last: boolean): void {
    this.#owner.upstreamBody(bytes, from, to, last);
  }

  upstreamTrailers(trailers: HeaderList): void {
    this.#owner.upstreamTrailers(trailers);
  }

  upstreamFailed(code: ErrorCode, reason = ""): void {
    this.#owner.facts.transportFailure = reason;
    this.#owner.fail(code);
  }

  upstreamBlocked(blocked: boolean): void {
    this.#owner.upstreamBlocked(blocked);
  }
}
