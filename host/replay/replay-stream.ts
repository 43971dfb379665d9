// A stream of a recording as one module lives it: the real chain with this one filter in it, fed from the recording instead
// of a socket. The context implements the host-call port with recorded answers first (decisions.md 15): what the guest asks
// as it was recorded is answered as it was recorded; what nobody asked is answered from the recorded facts.
import * as status from "../../sdk/assembly/abi/status.ts";
import type { HeaderList } from "../abi/headers.ts";
import type { Timer } from "../base/clock.ts";
import type { ContextOwner } from "../chain/context-owner.ts";
import { HttpFilterStream } from "../chain/http-stream.ts";
import type { ExchangePort, StreamFacts } from "../chain/ports.ts";
import type { Arm, ChainSlot } from "../chain/slot.ts";
import { StreamContext } from "../chain/stream-context.ts";
import type { PluginContext } from "../plugin/plugin-context.ts";
import type { Status } from "../abi/status.ts";
import type { ForeignResult, GuestHttpCall } from "../vm/ports.ts";
import type { Answers } from "./answers.ts";
import { bytesOf } from "./tape.ts";
import type { World } from "./world.ts";

/** Foreign functions whose effect is on the stream: they run, whatever was recorded. */
const EXECUTED =
  /^(?:clear_route_cache|declare_property|set_envoy_filter_state|sluice\.(?:route_set|delay|hold_headers|metadata_set))$/;

export interface ReplayParts {
  readonly world: World;
  readonly answers: Answers;
  /** The context exists: before its first callback. */
  readonly entered: (context: ReplayContext, stream: ReplayStream) => void;
}

export class ReplayStream extends HttpFilterStream {
  readonly #parts: ReplayParts;
  /** Header maps that could be written when the recorded callback began: a bit per map. */
  open = 0;
  /** `sluice.delay` or a pause that the host ended: goes on before the next recorded event. */
  readonly delayed: ("request" | "response")[] = [];
  /** Recorded property values by path, for a module that asks at another moment. */
  readonly properties = new Map<string, Buffer | null>();

  constructor(slot: ChainSlot, facts: StreamFacts, parts: ReplayParts) {
    super([slot], portOf(facts), () => {});
    this.#parts = parts;
  }

  protected override newContext(index: number, plugin: PluginContext, arm: Arm): StreamContext {
    const context = new ReplayContext({ owner: this, index, plugin, arm }, this, this.#parts);
    this.#parts.entered(context, this);
    return context;
  }

  /** What waited for time to pass goes on: in the recording it has passed. */
  goOn(): void {
    for (const side of this.delayed.splice(0)) this.resume(0, side);
  }
}

interface Place {
  readonly owner: ContextOwner;
  readonly index: number;
  readonly plugin: PluginContext;
  readonly arm: Arm;
}

export class ReplayContext extends StreamContext {
  readonly #stream: ReplayStream;
  readonly #parts: ReplayParts;

  constructor({ owner, index, plugin, arm }: Place, stream: ReplayStream, parts: ReplayParts) {
    super(owner, index, plugin, arm);
    this.#stream = stream;
    this.#parts = parts;
  }

  override writableHeaders(map: number): HeaderList | null {
    const isOpen = map <= 3 && (this.#stream.open & (1 << map)) !== 0 && !this.logging;
    return super.writableHeaders(map) ?? (isOpen ? this.#stream.map(map) : null);
  }

  override property(path: readonly string[]): Uint8Array | null {
    const key = path.join("\0");
    const { properties } = this.#stream;
    const recorded = this.#parts.world.tape.take("proxy_get_property", [key]);
    if (recorded !== null) {
      const value = recorded.s === 0 ? bytesOf(recorded.r?.[0]) : null;
      properties.set(key, value);
      return value;
    }
    const derived = super.property(path);
    if (derived !== null) return derived;
    if (!properties.has(key)) this.#parts.world.missing(`property ${path.join(".")}`);
    return properties.get(key) ?? null;
  }

  override foreign(name: string, args: Buffer): ForeignResult {
    const recorded = this.#parts.world.tape.take("proxy_call_foreign_function", [name, args.latin1Slice()]);
    if (recorded !== null && !EXECUTED.test(name))
      return { status: recorded.s as Status, bytes: bytesOf(recorded.r?.[0]) };
    if (recorded === null && /^sluice\.(?:gcra|counter_add|kv_|endpoints)/.test(name))
      this.#parts.world.missing(`staleRead ${name}`);
    return super.foreign(name, args);
  }

  override httpCall(call: GuestHttpCall): number {
    const args = [call.upstream, call.headers, call.body.latin1Slice()];
    if (this.#parts.answers.knows("proxy_http_call", args)) return super.httpCall(call);
    const known = this.#parts.world.tape.find(({ fn, a }) => fn === "proxy_http_call" && a[0] === call.upstream);
    if (known !== null && known.s !== 0) return super.httpCall(call);
    this.#parts.world.missing(`call ${call.upstream} ${call.headers[1] ?? ""} ${call.headers[3] ?? ""}`);
    return -this.vm.refuse(status.INTERNAL_FAILURE, "the recording has no such call to {}", call.upstream);
  }

  /** A pause that the host ended shows as the answer the host gave. */
  override pauseTimer(): Timer | null {
    return null;
  }

  override resumeLater(): void {
    this.#stream.delayed.push(this.#stream.map(2) === null ? "request" : "response");
  }
}

/** Nothing leaves: what a filter decided is read from its own recorded steps. */
function portOf(facts: StreamFacts): ExchangePort {
  const nothing = (): void => {};
  return {
    facts,
    forwardRequestHeaders: nothing,
    forwardRequestBody: nothing,
    forwardRequestTrailers: nothing,
    forwardResponseHeaders: nothing,
    forwardResponseBody: nothing,
    forwardResponseTrailers: nothing,
    stopRequest: nothing,
    clearRouteCache: nothing,
    reset: nothing,
    holdRequest: nothing,
    holdResponse: nothing,
  };
}
