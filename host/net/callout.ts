// HTTP call-outs of filters, over the same clusters and pools as proxied requests. Collects the whole answer; every way to
// fail is a word of CalloutFailure.
import { type HeaderList, firstHeader, NOTHING_PARSED } from "../abi/headers.ts";
import type { Clock } from "../base/clock.ts";
import type { ErrorCode } from "../base/errors.ts";
import { Deadline, type DeadlineOwner, type TimerWheel } from "../base/timer-wheel.ts";
import type { CalloutFailure, CalloutPort, CalloutRequest, CalloutResult } from "../plugin/callout-port.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { IncomingAnswer } from "./incoming-head.ts";
import { appendHeaders } from "./http2/lists.ts";
import { checkedLines, isRequestLine, requestLine, requestTarget } from "./http1/serialize.ts";
import { copyBytes } from "./latin1.ts";
import { inTurn } from "./turn.ts";
import { requestList, schemeOf } from "./outgoing-request.ts";
import { upstreamCall } from "./send-upstream.ts";
import type { OutgoingRequest, ResponseSink, UpstreamCall } from "./upstream-call.ts";

const DEFAULT_TIMEOUT_MS = 15_000;

export interface CalloutInputs {
  /** The cluster of the committed generation. */
  readonly cluster: (name: string) => Cluster | undefined;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
}

const FAILURES: Partial<Record<ErrorCode, CalloutFailure>> = {
  upstream_response_timeout: "timeout",
  upstream_connect_failure: "connect_failure",
  upstream_connect_timeout: "connect_failure",
  upstream_overflow: "overflow",
  no_healthy_upstream: "no_healthy_upstream",
  cluster_not_found: "no_healthy_upstream",
};

export function createCallouts(inputs: CalloutInputs): CalloutPort {
  return {
    hasCluster: (name) => inputs.cluster(name) !== undefined,
    send(request, done) {
      const callout = new Callout(request, inputs, done);
      // The caller first gets its handle, then the result.
      process.nextTick(() => callout.start());
      return callout;
    },
  };
}

class Callout implements ResponseSink, DeadlineOwner {
  readonly #request: CalloutRequest;
  readonly #inputs: CalloutInputs;
  readonly #done: (result: CalloutResult) => void;
  readonly #deadline = new Deadline(this);
  readonly #pieces: Buffer[] = [];
  #upstream: UpstreamCall | null = null;
  #headers: HeaderList = [];
  #bytes = 0;
  #over = false;

  constructor(request: CalloutRequest, inputs: CalloutInputs, done: (result: CalloutResult) => void) {
    this.#request = request;
    this.#inputs = inputs;
    this.#done = done;
    const { clock, wheel } = inputs;
    wheel.schedule(this.#deadline, clock.monotonicMs() + (request.timeoutMs || DEFAULT_TIMEOUT_MS));
  }

  start(): void {
    if (this.#over) return;
    inTurn(() => {
      const cluster = this.#inputs.cluster(this.#request.cluster);
      if (cluster === undefined) this.#fail("no_healthy_upstream");
      else this.#send(cluster);
    });
  }

  cancel(): void {
    this.#end();
  }

  deadlineReached(): void {
    inTurn(() => {
      this.#fail("timeout");
    });
  }

  upstreamChosen(): void {}

  upstreamInformational(): void {}

  upstreamBlocked(): void {}

  upstreamHead(head: IncomingAnswer, endStream: boolean): void {
    this.#headers = head.headers;
    if (head.contentLength > this.#request.maxBodyBytes) this.#fail("response_too_large");
    else if (endStream) this.#succeed([]);
  }

  upstreamBody(bytes: Buffer, from: number, to: number, last: boolean): void {
    if (this.#over) return;
    this.#bytes += to - from;
    if (this.#bytes > this.#request.maxBodyBytes) {
      this.#fail("response_too_large");
      return;
    }
    if (to > from) this.#pieces.push(copyBytes(bytes, from, to));
    if (last) this.#succeed([]);
  }

  upstreamTrailers(trailers: HeaderList): void {
    this.#succeed(trailers);
  }

  upstreamFailed(code: ErrorCode): void {
    this.#fail(FAILURES[code] ?? "reset");
  }

  #outgoing(cluster: Cluster): OutgoingRequest | null {
    const isHttp2 = cluster.options.http2 !== undefined;
    const { headers, body, trailers } = this.#request;
    const line = {
      method: firstHeader(headers, ":method") ?? "",
      path: requestTarget(firstHeader(headers, ":path") ?? ""),
      authority: firstHeader(headers, ":authority") ?? "",
    };
    if (line.authority === "" || !isRequestLine(line)) return null;
    const endStream = trailers.length === 0 && body.length === 0;
    const length = trailers.length > 0 || endStream ? -1 : body.length;
    const list = isHttp2 ? requestList(line, schemeOf(cluster)) : [];
    const lines = isHttp2 ? "" : checkedLines(headers, NOTHING_PARSED);
    const fits = isHttp2 ? appendHeaders(list, headers, []) : lines !== null;
    return fits
      ? {
          method: line.method,
          head: `${requestLine(line)}${lines}`,
          list,
          length,
          endStream,
          upgrade: "",
          client: null,
        }
      : null;
  }

  #send(cluster: Cluster): void {
    const { body, trailers } = this.#request;
    const request = this.#outgoing(cluster);
    if (request === null) {
      this.#fail("reset");
      return;
    }
    const upstream = upstreamCall(cluster, this, request);
    this.#upstream = upstream;
    upstream.start();
    if (request.endStream) return;
    upstream.body(body, trailers.length === 0);
    if (trailers.length > 0) upstream.trailers(trailers);
  }

  #succeed(trailers: HeaderList): void {
    if (!this.#end()) return;
    this.#done({ ok: true, headers: this.#headers, body: Buffer.concat(this.#pieces), trailers });
  }

  #fail(failure: CalloutFailure): void {
    if (this.#end()) this.#done({ ok: false, failure });
  }

  /** False when it was over before. */
  #end(): boolean {
    if (this.#over) return false;
    this.#over = true;
    this.#inputs.wheel.cancel(this.#deadline);
    this.#upstream?.cancel();
    return true;
  }
}
