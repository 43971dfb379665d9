// A request that a filter wants tried more than once, or each try bounded in time: stands between an exchange and the calls
// that carry the tries, whatever their protocol. Made only for such requests (steered.ts). An answer that is to be tried
// again is dropped with its head; from the first piece that is handed on there is no way back.
import type { HeaderList } from "../../abi/headers.ts";
import type { ErrorCode } from "../../base/errors.ts";
import { Deadline, type DeadlineOwner } from "../../base/timer-wheel.ts";
import { pauseMs, retriesFailure, retriesStatus, type RetryPolicy } from "../../route/tries.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import type { IncomingAnswer } from "../incoming-head.ts";
import { upstreamCall } from "../send-upstream.ts";
import { inTurn } from "../turn.ts";
import {
  type ChosenConnection,
  MAX_REPLAY_BYTES,
  type OutgoingRequest,
  type ResponseSink,
  type UpstreamCall,
} from "../upstream-call.ts";

export interface TriesPolicy {
  readonly retry: RetryPolicy;
  /** To the head of the answer, ms; 0 = no bound. */
  readonly perTryMs: number;
}

export class TriedCall implements UpstreamCall, ResponseSink, DeadlineOwner {
  readonly cluster: Cluster;
  readonly #sink: ResponseSink;
  readonly #request: OutgoingRequest;
  readonly #policy: TriesPolicy;
  /** Of the running try, or of the pause before the next. */
  readonly #deadline = new Deadline(this);
  /** Null between two tries. */
  #call: UpstreamCall | null = null;
  #tries = 0;
  #attempts = 0;
  #over = false;
  /** The answer is being handed on. */
  #answered = false;
  #held = false;
  /** The body so far, for another try; null = there will be none. */
  #kept: Buffer[] | null = [];
  #keptBytes = 0;
  #ended: boolean;
  #trailers: HeaderList | null = null;

  constructor(cluster: Cluster, sink: ResponseSink, request: OutgoingRequest, policy: TriesPolicy) {
    this.cluster = cluster;
    this.#sink = sink;
    this.#request = request;
    this.#policy = policy;
    this.#ended = request.endStream;
  }

  get waitingBytes(): number {
    return this.#call === null ? this.#keptBytes : this.#call.waitingBytes;
  }

  start(): void {
    const { perTryMs } = this.#policy;
    const { wheel, clock } = this.cluster.environment;
    // The list is handed over with each try.
    const call = upstreamCall(this.cluster, this, { ...this.#request, list: [...this.#request.list] });
    this.#call = call;
    this.#tries++;
    if (this.#held) call.hold(true);
    if (perTryMs > 0) wheel.schedule(this.#deadline, clock.monotonicMs() + perTryMs);
    call.start();
    this.#replay(call);
  }

  /** A start may fail at once, and another try follow it. */
  #replay(call: UpstreamCall): void {
    const kept = this.#kept ?? [];
    for (const [at, chunk] of kept.entries()) {
      if (this.#call !== call) return;
      call.body(chunk, this.#ended && this.#trailers === null && at === kept.length - 1);
    }
    if (this.#call === call && this.#trailers !== null) call.trailers(this.#trailers);
    if (this.#keptBytes > MAX_REPLAY_BYTES) this.#kept = null;
  }

  body(chunk: Buffer, last: boolean): boolean {
    if (this.#over) return true;
    this.#ended = last;
    this.#kept?.push(chunk);
    this.#keptBytes += chunk.length;
    if (this.#call === null) return true;
    if (this.#keptBytes > MAX_REPLAY_BYTES) this.#kept = null;
    return this.#call.body(chunk, last);
  }

  trailers(list: HeaderList): boolean {
    if (this.#over) return true;
    this.#ended = true;
    this.#trailers = list;
    return this.#call === null || this.#call.trailers(list);
  }

  hold(hold: boolean): void {
    this.#held = hold;
    this.#call?.hold(hold);
  }

  cancel(): void {
    if (this.#over) return;
    this.#finish();
    this.#call?.cancel();
    this.#call = null;
  }

  deadlineReached(): void {
    inTurn(() => {
      if (this.#over) return;
      if (this.#call === null) return this.start();
      this.cluster.metrics.perTryTimeout.inc();
      this.#call.cancel();
      this.upstreamFailed("upstream_response_timeout");
    });
  }

  upstreamChosen(connection: ChosenConnection): void {
    this.#sink.upstreamChosen(connection, ++this.#attempts);
  }

  upstreamInformational(status: number, headers: HeaderList): void {
    this.#sink.upstreamInformational(status, headers);
  }

  upstreamHead(head: IncomingAnswer, endStream: boolean): void {
    if (retriesStatus(this.#policy.retry, head.status) && this.#mayTryAgain) {
      const call = this.#call;
      this.#pause();
      call?.cancel();
      return;
    }
    this.#answered = true;
    this.#kept = null;
    this.cluster.environment.wheel.cancel(this.#deadline);
    this.#sink.upstreamHead(head, endStream);
  }

  upstreamBody(bytes: Buffer, from: number, to: number, last: boolean): void {
    if (last) this.#finish();
    this.#sink.upstreamBody(bytes, from, to, last);
  }

  upstreamTrailers(trailers: HeaderList): void {
    this.#finish();
    this.#sink.upstreamTrailers(trailers);
  }

  upstreamFailed(code: ErrorCode, reason?: string): void {
    if (!this.#answered && retriesFailure(this.#policy.retry, code) && this.#mayTryAgain) return this.#pause();
    this.#finish();
    this.#call = null;
    this.#sink.upstreamFailed(code, reason);
  }

  upstreamBlocked(blocked: boolean): void {
    this.#sink.upstreamBlocked(blocked);
  }

  get #mayTryAgain(): boolean {
    return this.#kept !== null && this.#tries <= this.#policy.retry.max;
  }

  #pause(): void {
    const { wheel, clock, random } = this.cluster.environment;
    this.#call = null;
    this.cluster.metrics.retry.inc();
    wheel.schedule(this.#deadline, clock.monotonicMs() + pauseMs(this.#policy.retry, this.#tries, random.fraction()));
  }

  #finish(): void {
    this.#over = true;
    this.#kept = null;
    this.cluster.environment.wheel.cancel(this.#deadline);
  }
}
