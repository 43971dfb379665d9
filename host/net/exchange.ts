// One request's life, whatever protocol carries it: route, filters, upstream, answer, record. Pushes every piece on at once;
// holds back only what a filter or a slow peer holds. With an empty chain the pieces skip the chain altogether.
//   client -> requestX -> [stream] -> forwardRequestX -> Forward -> upstream
//   client <- forwardResponseX <- [stream] <- upstreamX <- Forward
import type { HeaderList } from "../abi/headers.ts";
import type { ErrorCode } from "../base/errors.ts";
import type { ExchangePort, HttpStream, LocalReply } from "../chain/ports.ts";
import type { RouteOptions } from "../route/options.ts";
import { Answer } from "./answer.ts";
import type { ClientSide, ListenerContext } from "./client-side.ts";
import { ExchangeDeadlines } from "./exchange-deadlines.ts";
import { ExchangeFacts, type RequestSummary, summaryOf } from "./facts.ts";
import { Forward, type ForwardOwner } from "./forward.ts";
import { addForwarded } from "./forwarded.ts";
import type { IncomingHead } from "./incoming-head.ts";
import { copyBytes } from "./latin1.ts";
import { outgoingRequest, unsendable } from "./outgoing-request.ts";
import type { ListenerView } from "./ports.ts";
import { toLocalReply } from "./rescue.ts";
import { clusterOf, directReply, steer } from "./route-action.ts";
import { type TurnTask, atTurnEnd, turnTimeMs } from "./turn.ts";
import { BY_FILTER, BY_PEER, Upload } from "./upload.ts";

export class Exchange implements ExchangePort, ForwardOwner, TurnTask {
  readonly facts: ExchangeFacts;
  readonly request: RequestSummary;
  readonly deadlines: ExchangeDeadlines;
  protected readonly client: ClientSide;
  readonly #context: ListenerContext;
  readonly #view: ListenerView;
  readonly #startMs: number;
  protected readonly upload: Upload;
  protected readonly answer: Answer;
  #route: RouteOptions | null = null;
  #stream: HttpStream | null = null;
  /** The request's headers as they came, when filters may have written them; else null. */
  #parsed: HeaderList | null = null;
  #forward: Forward | null = null;
  /** The request's head has passed the filters. */
  #forwarded = false;
  /** The route is looked up again when the head has passed the filters. */
  #rematch = false;
  /** The filters have been given a response, from upstream or our own. */
  #responding = false;
  #over = false;

  /** @param startMs monotonic ms of the first byte of the head */
  constructor(client: ClientSide, context: ListenerContext, head: IncomingHead, startMs: number) {
    this.client = client;
    this.#context = context;
    this.#view = context.view();
    this.#startMs = startMs;
    this.request = summaryOf(head);
    this.facts = new ExchangeFacts(client.connection, context.wheel.wallMs(startMs));
    this.answer = new Answer(client, context, this.facts, head.headers);
    this.facts.protocol = head.protocol;
    this.facts.requestHeaderBytes = head.bytes;
    this.deadlines = new ExchangeDeadlines(context.options.limits, turnTimeMs(context.clock), !head.hasBody);
    this.upload = new Upload(client, context, head, this);
    context.metrics.requestsActive.add(1);
  }

  /** The rest of the request may never be sent: the client waits for a 100 it has not got, or was too slow already. */
  get bodyMayNotCome(): boolean {
    return this.upload.awaitsContinue || this.facts.responseCodeDetails === "request_timeout";
  }

  begin(head: IncomingHead, endStream: boolean): void {
    addForwarded(head, this.facts, this.#context);
    const { headers } = head;
    const route = this.#view.routes.match(headers);
    const chain = this.#view.chainFor(route, headers);
    this.#choose(route);
    if (this.upload.tooLong) this.fail("request_payload_too_large");
    else if (chain.empty) this.forwardRequestHeaders(headers, endStream);
    else {
      this.#rematch = route === null;
      this.#stream = chain.open(this);
      this.#stream.requestHeaders(headers, endStream);
      if (!this.#forwarded) this.upload.continueForFilters();
    }
  }

  /** The bytes [from, to) of `bytes`, owned from here. */
  requestBody(bytes: Buffer, from: number, to: number, last: boolean): void {
    this.deadlines.activeMs = this.#context.wheel.nowMs;
    const refused = this.upload.take(to - from, last);
    if (refused !== null) this.fail(refused);
    if (this.upload.stopped || this.#over) return;
    const chunk = bytes.subarray(from, to);
    if (this.#stream === null) this.forwardRequestBody(chunk, last);
    else this.#stream.requestBody(chunk, last);
  }

  requestTrailers(trailers: HeaderList): void {
    this.upload.take(0, true);
    if (this.upload.stopped || this.#over) return;
    if (this.#stream === null) this.forwardRequestTrailers(trailers);
    else this.#stream.requestTrailers(trailers);
  }

  /** The client is gone: nobody wants the answer any more. */
  clientGone(): void {
    if (this.#over) return;
    this.facts.failed("downstream_disconnect");
    this.finish();
  }

  /** The client reads slowly, or has caught up. */
  clientBlocked(blocked: boolean): void {
    this.deadlines.activeMs = this.#context.wheel.nowMs;
    this.#forward?.hold(BY_PEER, blocked);
  }

  /** One of `deadlines` may be reached. */
  expire(nowMs: number): void {
    const code = this.deadlines.expire(nowMs);
    if (code === null || this.#over) return;
    if (code === "upstream_response_timeout") this.#forward?.countTimeout();
    this.fail(code);
  }

  clearRouteCache(): void {
    this.#rematch = true;
  }

  forwardRequestHeaders(headers: HeaderList, endStream: boolean): void {
    if (this.#over || this.upload.stopped || this.#forwarded) return;
    this.#forwarded = true;
    if (this.#rematch) this.#choose(this.#view.routes.match(headers));
    const decision = this.facts.notes?.decision ?? null;
    const parsed = this.#stream?.parsedRequest ?? null;
    this.#parsed = decision === null ? parsed : (parsed ?? headers.slice());
    if (decision !== null) steer(decision, headers, this);
    if (this.#rematch || decision !== null) this.client.deadlinesChanged();
    const action = this.#route?.action;
    if (decision?.cluster !== undefined) this.#send(headers, endStream);
    else if (action === undefined) this.fail("route_not_found");
    else if (action.kind === "direct") this.#reply(directReply(action));
    else this.#send(headers, endStream);
  }

  forwardRequestBody(chunk: Buffer, endStream: boolean): void {
    const forward = this.#forward;
    if (forward === null) return;
    if (!forward.body(chunk, endStream)) this.fail("wasm_content_length_mismatch");
    else if (forward.waitingBytes > this.#context.options.limits.bufferBytes) this.upstreamBlocked(true);
  }

  forwardRequestTrailers(trailers: HeaderList): void {
    if (this.#forward?.trailers(trailers) === false) this.fail("wasm_content_length_mismatch");
  }

  forwardResponseHeaders(headers: HeaderList, endStream: boolean): void {
    if (this.#over || this.answer.started) return;
    if (!this.answer.head(headers, endStream, this.#stream?.parsedResponse ?? null)) this.fail("internal_error");
    else if (endStream) this.answerEnded();
  }

  forwardResponseBody(chunk: Buffer, endStream: boolean): void {
    if (this.#over || !this.answer.started) return;
    this.#afterPiece(this.answer.body(chunk, endStream), endStream);
  }

  forwardResponseTrailers(trailers: HeaderList): void {
    if (this.#over || !this.answer.started) return;
    this.#afterPiece(this.answer.trailers(trailers), true);
  }

  stopRequest(details: string): void {
    if (this.#over) return;
    this.facts.responseCodeDetails = details;
    this.#responding = true;
    this.#stop();
  }

  reset(details: string): void {
    if (this.#over) return;
    this.facts.responseCodeDetails = details;
    this.client.abort();
    this.finish();
  }

  holdRequest(hold: boolean): void {
    if (this.#over) return;
    this.upload.hold(BY_FILTER, hold);
    if (!hold && !this.#forwarded) this.upload.continueForFilters();
  }

  holdResponse(hold: boolean): void {
    this.#forward?.hold(BY_FILTER, hold);
  }

  upstreamBlocked(blocked: boolean): void {
    this.deadlines.activeMs = this.#context.wheel.nowMs;
    if (!this.#over) this.upload.hold(BY_PEER, blocked);
  }

  upstreamInformational(status: number, headers: HeaderList): void {
    if (!this.#over && this.answer.mayInform(this.facts)) this.upload.informed(status, headers);
  }

  upstreamHead(headers: HeaderList, length: number, endStream: boolean): void {
    this.deadlines.activeMs = this.#context.wheel.nowMs;
    this.answer.length = length;
    this.#responding = true;
    if (this.#stream === null) this.forwardResponseHeaders(headers, endStream);
    else this.#stream.responseHeaders(headers, endStream);
  }

  upstreamBody(bytes: Buffer, from: number, to: number, last: boolean): void {
    this.deadlines.activeMs = this.#context.wheel.nowMs;
    if (this.#stream?.responseBodyPasses === false) this.#stream.responseBody(copyBytes(bytes, from, to), last);
    else if (!this.#over) this.#afterPiece(this.answer.lentBody(bytes, from, to, last), last);
  }

  upstreamTrailers(trailers: HeaderList): void {
    if (this.#stream === null) this.forwardResponseTrailers(trailers);
    else this.#stream.responseTrailers(trailers);
  }

  /** Answers with the error, or breaks off when an answer has begun. `sentence` replaces the error's own. */
  fail(code: ErrorCode, sentence?: string): void {
    if (this.#over) return;
    this.facts.failed(code);
    this.#stop();
    if (!this.answer.started) this.#reply(toLocalReply(code, sentence));
    else {
      this.client.abort();
      this.finish();
    }
  }

  turnEnded(): void {
    this.#stream?.end();
    this.#view.finished(this.facts, this.request);
  }

  #choose(route: RouteOptions | null): void {
    if (route === null) return;
    this.#route = route;
    this.facts.routeName = route.name;
    this.facts.clusterName = clusterOf(route.action, this.facts.requestId);
    this.deadlines.routeChosen(route.timeoutMs);
  }

  #send(headers: HeaderList, endStream: boolean): void {
    const { clusterName: authority } = this.facts;
    const cluster = this.#view.cluster(authority);
    const options = { parsed: this.#parsed, authority, endStream, upload: this.upload };
    const request = outgoingRequest(headers, options, cluster);
    if (cluster === undefined || request === null) {
      return this.fail(cluster === undefined ? "cluster_not_found" : unsendable(cluster, this.upload.upgrade));
    }
    this.#forward = new Forward(this, this.#context.clock, { cluster, request });
    this.#forward.start();
  }

  /** Our own answer, through the filters unless they have had a response already. */
  #reply(reply: LocalReply): void {
    if (this.facts.responseCodeDetails === "") this.facts.responseCodeDetails = reply.details;
    if (this.#stream !== null && !this.#responding) {
      this.#responding = true;
      this.#stream.localReply(reply);
      return;
    }
    if (this.answer.local(reply)) this.finish();
    else this.reset(this.facts.responseCodeDetails);
  }

  #afterPiece(fits: boolean, endStream: boolean): void {
    if (!fits) this.reset("wasm_content_length_mismatch");
    else if (endStream) this.answerEnded();
  }

  /** With an upgrade not yet the end. */
  protected answerEnded(): void {
    this.finish();
  }

  #stop(): void {
    this.answer.length = -1;
    this.#forward?.drop();
    this.#forward = null;
    this.upload.stop();
  }

  protected finish(): void {
    this.#over = true;
    this.#forward?.drop();
    const { metrics, clock } = this.#context;
    this.facts.durationMs = turnTimeMs(clock) - this.#startMs;
    metrics.requestsActive.add(-1);
    metrics.finished(this.facts);
    this.client.exchangeOver();
    // The filters may be in the middle of a call into this exchange: they hear of the end when they have returned.
    if (this.#stream === null) this.#view.finished(this.facts, this.request);
    else atTurnEnd(this);
  }
}
