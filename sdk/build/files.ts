// What a build depends on: every file by its absolute real path with the sha256 of the text that was really read, so that
// an edit in the middle of a compilation is seen as one. "" stands for "was not there": a file that appears is a change.
import { createHash } from "node:crypto";

export type Files = Readonly<Record<string, string>>;
/** Hash of a file that does not exist. */
export const ABSENT = "";

/** Lower-case hex sha256 of a text. */
export function hashOf(text: string | Uint8Array): string {
  return createHash("sha256").update(text).digest("hex");
}

/** The files that exist: what a watcher must watch. */
export function presentFiles(files: Files): string[] {
  return Object.keys(files).filter((path) => files[path] !== ABSENT);
}
