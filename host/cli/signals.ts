// TERM and INT drain, a second one ends at once, HUP reloads. USR1 stays with Node's inspector.
import type { Clock } from "../base/clock.ts";

export type StopSignal = "SIGINT" | "SIGTERM";

export interface SignalActions {
  /** First TERM or INT. */
  drain(signal: StopSignal): void;
  /** The second: no more waiting. */
  force(signal: StopSignal): void;
  /** HUP. */
  reload(): void;
}

/** What of a process is needed here. */
export interface SignalSource {
  on(event: NodeJS.Signals, listener: () => void): unknown;
  off(event: NodeJS.Signals, listener: () => void): unknown;
}

// Ctrl-C reaches the whole process group, so the shells above us (the bootstrap, npm) forward a copy of what we already
// got. A copy comes within milliseconds; an impatient person does not.
const COPY_MS = 250;

/** Installs the handlers; `close` takes them away. `stop` acts as a signal does. */
export function handleSignals(
  source: SignalSource,
  actions: SignalActions,
  clock: Clock,
): { close(): void; stop(signal: StopSignal): void } {
  let firstAtMs: number | null = null;
  const stop = (signal: StopSignal): void => {
    const nowMs = clock.monotonicMs();
    if (firstAtMs === null) {
      firstAtMs = nowMs;
      actions.drain(signal);
    } else if (nowMs - firstAtMs >= COPY_MS) {
      actions.force(signal);
    }
  };
  const onInt = (): void => stop("SIGINT");
  const onTerm = (): void => stop("SIGTERM");
  const onHup = (): void => actions.reload();
  source.on("SIGINT", onInt);
  source.on("SIGTERM", onTerm);
  source.on("SIGHUP", onHup);
  return {
    stop,
    close: () => {
      source.off("SIGINT", onInt);
      source.off("SIGTERM", onTerm);
      source.off("SIGHUP", onHup);
    },
  };
}
