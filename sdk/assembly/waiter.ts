// Things that wait on behalf of a context: call-outs and timers. When the context ends they are let go at once, so a
// late answer finds nothing and nothing waits for it to be freed (sdk.md 4.6).
import { onRelease } from "./hooks";
import { Context, WaiterSlot } from "./owner";

/** Something that will call back. */
export abstract class Waiter extends WaiterSlot {
  /** Who waits; null once let go. */
  owner: Context | null = null;
  /** What to do when the owner ended first. No virtual method: that would keep call-outs and timers in every binary. */
  protected forget: ((waiter: Waiter) => void) | null = null;
  private before: Waiter | null = null;
  private after: Waiter | null = null;

  /** The owner has ended: forget the call-back. */
  release(): void {
    const forget = this.forget;
    this.detach();
    if (forget !== null) forget(this);
  }
  /** Puts this on `owner`'s list. */
  attach(owner: Context): void {
    onRelease(releaseAll);
    const head = waitingOf(owner);
    this.owner = owner;
    this.after = head;
    if (head) head.before = this;
    owner.waiting = this;
  }
  /** Takes this off its owner's list. */
  detach(): void {
    const owner = this.owner;
    if (owner === null) return;
    const before = this.before;
    const after = this.after;
    if (before) before.after = after;
    else owner.waiting = after;
    if (after) after.before = before;
    this.owner = null;
    this.before = null;
    this.after = null;
  }
}

function waitingOf(context: Context): Waiter | null {
  return changetype<Waiter | null>(context.waiting);
}

function releaseAll(context: Context): void {
  let next = waitingOf(context);
  while (next) {
    next.release();
    next = waitingOf(context);
  }
}
