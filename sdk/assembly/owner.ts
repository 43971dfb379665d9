// Contexts, the things with an id and a life span: streams and plugin contexts ("roots").

/** What waits for a context; only waiter.ts knows more. */
export abstract class WaiterSlot {}
/** Where a root keeps its timers; only timer.ts knows more. */
export abstract class TimerSlot {}

/** A stream or a plugin (root) context. */
export abstract class Context {
  /** The host's context id. */
  id: u32 = 0;
  /** The plugin context this belongs to (a root: itself). */
  root: Context | null = null;
  /** A root's timers. */
  timers: TimerSlot | null = null;
  /** Head of the list of call-outs and timers under way. */
  waiting: WaiterSlot | null = null;
}
