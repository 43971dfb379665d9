// Bounds what paused filters collect in one direction of one stream: reading from the peer stops while any of them holds
// its limit (abi.md 9.3, 9.4). Used by a direction.
import type { DirectionOwner } from "./direction-owner.ts";
import type { Flow, Side } from "./flow.ts";

export class Brake {
  readonly #owner: Pick<DirectionOwner, "hold">;
  readonly #side: Side;
  /** Filters on whose behalf reading is stopped. */
  #holders = 0;

  constructor(owner: Pick<DirectionOwner, "hold">, side: Side) {
    this.#owner = owner;
    this.#side = side;
  }

  /** Looks at a flow that has grown. False: it is over its limit and may not be. */
  watch(flow: Flow, limit: number, backPressure: boolean): boolean {
    if (!backPressure && flow.bytes > limit) return false;
    if (flow.holding || flow.bytes < limit) return true;
    flow.holding = true;
    if (this.#holders++ === 0) this.#owner.hold(this.#side, true);
    return true;
  }

  release(flow: Flow): void {
    if (!flow.holding) return;
    flow.holding = false;
    if (--this.#holders === 0) this.#owner.hold(this.#side, false);
  }

  releaseAll(): void {
    if (this.#holders > 0) this.#owner.hold(this.#side, false);
    this.#holders = 0;
  }
}
