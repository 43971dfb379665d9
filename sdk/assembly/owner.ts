// Lifetimes. A Context (stream or root) may have things waiting for it: call-outs and timers. When it ends they are let
// go at once, so a late answer finds nothing and nothing waits for it to be freed (sdk.md 4.6).

/** Something that will call back on behalf of a context. */
export abstract class Waiter {
  /** Who waits; null once let go. */
  owner: Context | null = null;
  private before: Waiter | null = null;
  private after: Waiter | null = null;

  /** Called when the owner ended first: forget the call-back. */
  abstract release(): void;

  /** Puts this on `owner`'s list. */
  attach(owner: Context): void {
    const head = owner.waiting;
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

/** Where a root keeps its timers, without this file knowing timers. */
export abstract class TimerSlot {}

/** A stream or a plugin (root) context. */
export abstract class Context {
  /** The host's context id. */
  id: u32 = 0;
  /** The plugin context this belongs to (a root: itself). */
  root: Context | null = null;
  /** A root's timers; only timer.ts knows what they are. */
  timers: TimerSlot | null = null;
  /** Head of the list of call-outs and timers under way; kept by Waiter. */
  waiting: Waiter | null = null;

  /** For the dispatcher: the context is gone. */
  releaseAll(): void {
    for (let next = this.waiting; next; next = this.waiting) {
      next.detach();
      next.release();
    }
  }
}
