// An event as the terminal shows it: time, sentence, and what is wrong under it.
import type { InspectColor } from "node:util";
import { formatProblem } from "../base/problem.ts";
import type { SluiceEvent } from "../control/types.ts";
import type { Terminal } from "./terminal.ts";

const STYLES: Readonly<Record<SluiceEvent["type"], InspectColor>> = {
  ready: "green",
  compile: "gray",
  "compile-failed": "red",
  swap: "green",
  "swap-refused": "red",
  retired: "gray",
  fault: "red",
  quarantine: "red",
  config: "cyan",
  "config-refused": "red",
  experiment: "magenta",
  thread: "yellow",
  recording: "cyan",
  shadow: "magenta",
  log: "gray",
  drain: "yellow",
};

/** `12:01:07` of the reader's own day. */
export function toClockTime(iso: string): string {
  const date = new Date(iso);
  const two = (value: number): string => String(value).padStart(2, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
}

/** One or more lines, no newline at the end. Events of another version of sluice may have types this one does not know. */
export function formatEvent(event: SluiceEvent, terminal: Terminal): string {
  const isNamed = event.filter === undefined || event.text.startsWith(event.filter);
  const text = isNamed ? event.text : `${event.filter}  ${event.text}`;
  const problems = (event.problems ?? []).map(formatProblem).join("\n\n");
  const below = problems === "" ? "" : `\n${problems.replaceAll(/^/gm, "          ")}`;
  const time = terminal.paint("gray", toClockTime(event.time));
  return `${time}  ${terminal.paint(STYLES[event.type] ?? "white", text)}${below}`;
}
