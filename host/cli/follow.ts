// Commands that go on until they are interrupted: Ctrl-C ends them in order, with the exit code for it.
import { EXIT } from "./exit.ts";

/** Runs `follow` until it ends by itself or SIGINT comes; the signal it is given is aborted either way. */
export async function followUntilInterrupted(follow: (signal: AbortSignal) => Promise<void>): Promise<number> {
  const ended = new AbortController();
  let interrupted = false;
  const onInt = (): void => {
    interrupted = true;
    ended.abort();
  };
  process.once("SIGINT", onInt);
  try {
    await follow(ended.signal);
    return EXIT.ok;
  } catch (error) {
    if (interrupted) return EXIT.interrupted;
    throw error;
  } finally {
    process.off("SIGINT", onInt);
    // Closes the connection of a command that had enough.
    ended.abort();
  }
}
