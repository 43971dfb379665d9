// A stream that somebody watches (`sluice tap`): each filter's callbacks are traced, on this stream only. Subclasses of the
// ordinary stream and context, so that those know nothing of it and cost nothing while nobody watches.
import type { PluginContext } from "../plugin/plugin-context.ts";
import type { GuestCallbacks } from "../vm/callbacks.ts";
import { requestSide, responseSide } from "../vm/callbacks.ts";
import { traceCallbacks, type VmTrace } from "../vm/trace.ts";
import { HttpFilterStream } from "./http-stream.ts";
import type { ExchangePort } from "./ports.ts";
import type { Arm, ChainSlot } from "./slot.ts";
import type { ContextOwner } from "./context-owner.ts";
import { StreamContext } from "./stream-context.ts";

/** Who watches one stream. */
export interface StreamWatch {
  /** The slots to use instead of the chain's own. */
  slots(own: readonly ChainSlot[]): readonly ChainSlot[];
  /**
   * A filter got its context `id`. The trace for its callbacks, or undefined: not wanted, or its VM is traced as a whole
   * and `watch` has been told whose context this is.
   * @param isOpen whether a header map can be written now
   */
  entered(arm: Arm, id: number, isOpen: (map: number) => boolean): VmTrace | undefined;
  /** After the last callback; the facts are final. */
  ended(): void;
}

export class WatchedStream extends HttpFilterStream {
  readonly #watch: StreamWatch;

  constructor(slots: readonly ChainSlot[], port: ExchangePort, watch: StreamWatch, released: () => void) {
    super(watch.slots(slots), port, () => {
      released();
      watch.ended();
    });
    this.#watch = watch;
  }

  protected override newContext(index: number, plugin: PluginContext, arm: Arm): StreamContext {
    const context = new WatchedContext(this, index, plugin, arm);
    const trace = this.#watch.entered(arm, context.id, (map) => this.mapWritable(map, true));
    if (trace !== undefined) context.listen(trace);
    return context;
  }
}

class WatchedContext extends StreamContext {
  #traced: GuestCallbacks;

  constructor(owner: ContextOwner, index: number, plugin: PluginContext, arm: Arm) {
    super(owner, index, plugin, arm);
    this.#traced = this.vm.callbacks;
  }

  override get callbacks(): GuestCallbacks {
    return this.#traced;
  }

  listen(trace: VmTrace): void {
    this.#traced = traceCallbacks(this.vm.callbacks, trace, this.vm);
    this.requestCallbacks = requestSide(this.#traced);
    this.responseCallbacks = responseSide(this.#traced);
  }
}
