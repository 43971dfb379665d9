// Scripted gRPC upstreams: answers by `package.Service/Method`, after a delay of virtual time. A plain answer is given when
// the filter has sent its last message; a script takes part message by message. A call that nobody scripted is an error that
// names it.
import type { HeaderList } from "../abi/headers.ts";
import type { Clock, Timer } from "../base/clock.ts";
import type { GrpcCall, GrpcEvents, GrpcPort, GrpcRequest } from "../plugin/grpc-port.ts";
import { toHeaderList, type HeaderInput } from "./transport.ts";

const DEADLINE_EXCEEDED = 4;

/** What the upstream answers. */
export interface ScriptedGrpcAnswer {
  /** Initial metadata. Without it, messages or trailers the answer is a bare status, as of a connection that failed. */
  readonly metadata?: HeaderInput;
  readonly messages?: readonly (string | Uint8Array)[];
  readonly trailers?: HeaderInput;
  /** 0..16. Default 0. */
  readonly status?: number;
  readonly message?: string;
  /** ms of virtual time until the answer. Default 0: with the next advance. */
  readonly delayMs?: number;
}

/** One call as a test sees it. */
export interface SeenGrpcCall {
  readonly cluster: string;
  /** `package.Service/Method` */
  readonly method: string;
  readonly metadata: HeaderList;
  /** What the filter has sent so far. */
  readonly messages: readonly Buffer[];
  readonly timeoutMs: number;
  /** The filter has sent its last message. */
  readonly halfClosed: boolean;
  readonly cancelled: boolean;
}

/** The upstream's side of a stream, for scripts. */
export interface ScriptedGrpcStream {
  readonly call: SeenGrpcCall;
  metadata(metadata: HeaderInput): void;
  send(message: string | Uint8Array): void;
  end(status?: number, message?: string, trailers?: HeaderInput): void;
}

/** Each step runs with the next advance of the clock after what caused it. */
export interface GrpcScript {
  readonly begin?: (stream: ScriptedGrpcStream) => void;
  readonly message?: (message: Buffer, stream: ScriptedGrpcStream) => void;
  readonly halfClose?: (stream: ScriptedGrpcStream) => void;
}

export type GrpcReply = ScriptedGrpcAnswer | ((call: SeenGrpcCall) => ScriptedGrpcAnswer);

/** A fixed or computed answer, as a script. */
export function replyScript(reply: GrpcReply, clock: Clock): GrpcScript {
  return {
    halfClose(stream) {
      const answer = typeof reply === "function" ? reply(stream.call) : reply;
      clock.after(answer.delayMs ?? 0, () => play(answer, stream));
    },
  };
}

function play(answer: ScriptedGrpcAnswer, stream: ScriptedGrpcStream): void {
  const { metadata, messages = [], trailers, status = 0, message = "" } = answer;
  if (metadata !== undefined || messages.length > 0) stream.metadata(metadata ?? {});
  for (const one of messages) stream.send(one);
  stream.end(status, message, trailers);
}

export class GrpcUpstreams implements GrpcPort {
  readonly calls: SeenGrpcCall[] = [];
  readonly #clock: Clock;
  readonly #scripts = new Map<string, Map<string, GrpcScript>>();
  readonly #isKnown: (cluster: string) => boolean;

  /** @param isKnown clusters that are there without any gRPC script */
  constructor(clock: Clock, isKnown: (cluster: string) => boolean) {
    this.#clock = clock;
    this.#isKnown = isKnown;
  }

  on(cluster: string, method: string, script: GrpcScript): void {
    const known = this.#scripts.get(cluster) ?? new Map<string, GrpcScript>();
    this.#scripts.set(cluster, known.set(method, script));
  }

  hasCluster(name: string): boolean {
    return this.#scripts.has(name) || this.#isKnown(name);
  }

  start(request: GrpcRequest, events: GrpcEvents): GrpcCall {
    const method = request.path.slice(1);
    const script = this.#scripts.get(request.cluster)?.get(method);
    if (script === undefined)
      throw new Error(
        `unscripted gRPC call: ${method} to ${request.cluster}; script it with upstream("${request.cluster}").grpc("${method}", ...)`,
      );
    const call = new ScriptedCall(request, { events, script, clock: this.#clock });
    this.calls.push(call.call);
    return call.handle;
  }
}

interface CallParts {
  readonly events: GrpcEvents;
  readonly script: GrpcScript;
  readonly clock: Clock;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

/** Both sides of one call: the host's handle is {@link ScriptedCall.handle}, the script's is the object itself. */
class ScriptedCall implements ScriptedGrpcStream {
  readonly call: Mutable<SeenGrpcCall>;
  readonly handle: GrpcCall = {
    send: (message) => this.#sent(message),
    close: () => this.#halfClosed(),
    cancel: () => this.#cancelled(),
  };
  readonly #messages: Buffer[] = [];
  readonly #parts: CallParts;
  readonly #deadline: Timer | null;
  #over = false;
  #hasMetadata = false;

  constructor({ cluster, path, metadata, timeoutMs }: GrpcRequest, parts: CallParts) {
    const seen = { cluster, method: path.slice(1), metadata, timeoutMs, halfClosed: false, cancelled: false };
    this.call = { ...seen, messages: this.#messages };
    this.#parts = parts;
    const late = (): void => this.end(DEADLINE_EXCEEDED, "the deadline has passed");
    this.#deadline = timeoutMs === 0 ? null : parts.clock.after(timeoutMs, late);
    this.#later(() => parts.script.begin?.(this));
  }

  #later(run: () => void): void {
    this.#parts.clock.after(0, () => {
      if (!this.#over) run();
    });
  }

  #sent(message: Buffer): boolean {
    this.#messages.push(message);
    this.#later(() => this.#parts.script.message?.(message, this));
    return true;
  }

  #halfClosed(): void {
    this.call.halfClosed = true;
    this.#later(() => this.#parts.script.halfClose?.(this));
  }

  #cancelled(): void {
    if (this.#finish()) this.call.cancelled = true;
  }

  #finish(): boolean {
    const first = !this.#over;
    this.#over = true;
    this.#deadline?.cancel();
    return first;
  }

  metadata(metadata: HeaderInput): void {
    if (this.#over || this.#hasMetadata) return;
    this.#hasMetadata = true;
    this.#parts.events.initialMetadata(toHeaderList(metadata));
  }

  send(message: string | Uint8Array): void {
    this.metadata({});
    if (!this.#over) this.#parts.events.message(Buffer.from(message as string));
  }

  end(status = 0, message = "", trailers?: HeaderInput): void {
    // A guest may have cancelled in the callback of a message.
    if (!this.#over && (this.#hasMetadata || trailers !== undefined)) {
      this.metadata({});
      this.#parts.events.trailingMetadata(toHeaderList(trailers));
    }
    if (this.#finish()) this.#parts.events.closed(status, Buffer.from(message).latin1Slice());
  }
}
