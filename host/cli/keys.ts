// Single keys on a terminal. Raw mode takes Ctrl-C away from the terminal driver, so it is handed on from here.
import type { ReadStream } from "node:tty";

export type Key = "h" | "o" | "r" | "s" | "u" | "q" | "interrupt";

const KEYS: Readonly<Record<string, Key>> = {
  h: "h",
  "?": "h",
  o: "o",
  r: "r",
  s: "s",
  u: "u",
  q: "q",
  "\u0003": "interrupt",
  "\u0004": "q",
};

/** What of a terminal's input is needed here. */
export type KeyInput = Pick<ReadStream, "isTTY" | "setRawMode" | "on" | "off" | "resume" | "pause">;

/** Calls `press` for every known key until closed. Does nothing when nobody sits there. */
export function listenForKeys(input: KeyInput, press: (key: Key) => void): { close(): void } {
  if (!input.isTTY) return { close: () => undefined };
  const onData = (data: Buffer | string): void => {
    const key = KEYS[data.toString().toLowerCase()];
    if (key !== undefined) press(key);
  };
  input.setRawMode(true);
  input.on("data", onData);
  input.resume();
  return {
    close: () => {
      input.off("data", onData);
      input.setRawMode(false);
      input.pause();
    },
  };
}
