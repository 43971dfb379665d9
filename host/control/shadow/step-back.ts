// Lets the calling thread run when no other thread of the machine wants its core (Linux: priorities belong to threads). The
// shadow thread calls it: the share of the CPU it may use is one that nobody else was going to use.
import { readlinkSync } from "node:fs";
import { constants, setPriority } from "node:os";

/** @returns whether it could. A machine without threads that have numbers runs it like any other. */
export function stepBack(): boolean {
  try {
    // `<process>/task/<thread>`. Zero, which other machines would take for it, is the whole process.
    const thread = Number(readlinkSync("/proc/thread-self").split("/")[2]);
    if (!(thread > 0) || thread === process.pid) return false;
    setPriority(thread, constants.priority.PRIORITY_LOW);
    return true;
  } catch {
    return false;
  }
}
