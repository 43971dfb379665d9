// Scripted upstreams for call-outs: answers by method and path, after a delay of virtual time, or a failure. A call that
// nobody scripted is an error that names it.
import { firstHeader, type HeaderList } from "../abi/headers.ts";
import type { Clock } from "../base/clock.ts";
import type { CalloutFailure, CalloutPort, CalloutRequest, CalloutResult } from "../plugin/callout-port.ts";
import type { ClusterView, EndpointView } from "../plugin/services.ts";
import { GrpcUpstreams, replyScript, type GrpcReply, type GrpcScript } from "./grpc-upstreams.ts";
import { toHeaderList, type ResponseInput } from "./transport.ts";

export interface ScriptedAnswer extends ResponseInput {
  /** ms of virtual time until the answer. Default 0: with the next advance, or `settle()`. */
  readonly delayMs?: number;
  readonly fail?: CalloutFailure;
}

export interface SeenCall {
  readonly cluster: string;
  readonly method: string;
  readonly path: string;
  readonly headers: HeaderList;
  readonly body: string;
  readonly timeoutMs: number;
}

export class ScriptedUpstream {
  /** What `sluice.endpoints` shows. */
  endpoints: readonly EndpointView[] = [];
  readonly #answers = new Map<string, ScriptedAnswer | ((call: SeenCall) => ScriptedAnswer)>();
  readonly #script: (method: string, script: GrpcScript) => void;
  readonly #clock: Clock;

  constructor(clock: Clock, script: (method: string, script: GrpcScript) => void) {
    this.#clock = clock;
    this.#script = script;
  }

  /** @param call `GET /verify` */
  on(call: string, answer: ScriptedAnswer | ((call: SeenCall) => ScriptedAnswer)): this {
    this.#answers.set(call, answer);
    return this;
  }

  /**
   * Answers a gRPC method once the filter has sent its last message.
   * @param method `package.Service/Method`
   */
  grpc(method: string, reply: GrpcReply): this {
    this.#script(method, replyScript(reply, this.#clock));
    return this;
  }

  /** As {@link grpc}, message by message: for streams that answer before the filter has ended. */
  grpcStream(method: string, script: GrpcScript): this {
    this.#script(method, script);
    return this;
  }

  answer(call: SeenCall): ScriptedAnswer | undefined {
    const found = this.#answers.get(`${call.method} ${call.path}`);
    return typeof found === "function" ? found(call) : found;
  }
}

const DEFAULT_TIMEOUT_MS = 15_000;

export class Upstreams implements CalloutPort {
  readonly calls: SeenCall[] = [];
  /** Sent and neither answered nor cancelled. */
  pending = 0;
  readonly grpc: GrpcUpstreams;
  readonly #clock: Clock;
  readonly #byCluster = new Map<string, ScriptedUpstream>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.grpc = new GrpcUpstreams(clock, (cluster) => this.#byCluster.has(cluster));
  }

  get(cluster: string): ScriptedUpstream {
    const known = this.#byCluster.get(cluster) ?? this.#make(cluster);
    this.#byCluster.set(cluster, known);
    return known;
  }

  #make(cluster: string): ScriptedUpstream {
    return new ScriptedUpstream(this.#clock, (method, script) => this.grpc.on(cluster, method, script));
  }

  view(cluster: string): ClusterView | null {
    const known = this.#byCluster.get(cluster);
    return known === undefined ? null : { epoch: 1, endpoints: known.endpoints };
  }

  hasCluster(name: string): boolean {
    return this.#byCluster.has(name);
  }

  send(request: CalloutRequest, done: (result: CalloutResult) => void): { cancel(): void } {
    const part = (name: string): string => firstHeader(request.headers, name) ?? "";
    const { cluster, headers, timeoutMs } = request;
    const call: SeenCall = {
      cluster,
      method: part(":method"),
      path: part(":path"),
      headers,
      body: request.body.toString(),
      timeoutMs,
    };
    this.calls.push(call);
    const answer = this.get(cluster).answer(call);
    if (answer === undefined)
      throw new Error(
        `unscripted call-out: ${call.method} ${call.path} to ${cluster}; script it with upstream("${cluster}").on("${call.method} ${call.path}", ...)`,
      );
    const limit = timeoutMs === 0 ? DEFAULT_TIMEOUT_MS : timeoutMs;
    const { delayMs = 0 } = answer;
    const late = delayMs > limit;
    return this.#after(late ? limit : delayMs, () => done(late ? { ok: false, failure: "timeout" } : toResult(answer)));
  }

  #after(ms: number, run: () => void): { cancel(): void } {
    this.pending++;
    let isPending = true;
    const over = (): void => {
      if (isPending) this.pending--;
      isPending = false;
    };
    const timer = this.#clock.after(ms, () => {
      over();
      run();
    });
    return {
      cancel: () => {
        over();
        timer.cancel();
      },
    };
  }
}

function toResult(answer: ScriptedAnswer): CalloutResult {
  if (answer.fail !== undefined) return { ok: false, failure: answer.fail };
  const headers = [":status", String(answer.status ?? 200), ...toHeaderList(answer.headers)];
  const body = Buffer.from((answer.body ?? "") as string);
  return { ok: true, headers, body, trailers: toHeaderList(answer.trailers) };
}
