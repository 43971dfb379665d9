// How many descriptors this process may have open, as Linux says it: connections beyond that would fail in ways nobody chose.
import { readFileSync } from "node:fs";

/** Descriptors for upstreams, files and threads (reliability.md 3.4). */
const ROOM = 2000;

/** The soft limit; null where it is not known or there is none. Node has raised it to the hard one at its start. */
export function openFilesLimit(read: () => string = () => readFileSync("/proc/self/limits", "latin1")): number | null {
  try {
    const found = /^Max open files\s+(\d+)/m.exec(read());
    return found === null ? null : Number(found[1]);
  } catch {
    return null;
  }
}

/** What is left of `wanted` connections under `files` descriptors: half of them where there are few. */
export function connectionsFor(wanted: number, files: number | null): number {
  if (files === null) return wanted;
  return Math.min(wanted, Math.max(files - ROOM, Math.floor(files / 2)));
}
