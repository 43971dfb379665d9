// Counts the timers of a thread that are armed. Imported before anything arms one: the clock of the product asks for
// `setTimeout` each time, and what it gives away is unreferenced, so that no list of Node's shows it.
const armed = new Set<NodeJS.Timeout>();
const { setTimeout: arm, clearTimeout: clear } = globalThis;

globalThis.setTimeout = Object.assign((run: (...args: unknown[]) => void, ms?: number, ...args: unknown[]) => {
  const timer = arm(() => {
    armed.delete(timer);
    run(...args);
  }, ms);
  armed.add(timer);
  return timer;
}, arm) as typeof setTimeout;

globalThis.clearTimeout = ((timer: NodeJS.Timeout | undefined) => {
  if (timer !== undefined) armed.delete(timer);
  clear(timer);
}) as typeof clearTimeout;

export const armedTimers = (): number => armed.size;
