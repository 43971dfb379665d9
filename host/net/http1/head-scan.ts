// Finding the end of a head in a stream of bytes. A head is turned into text once; small messages come as one piece with
// their head, so the first window usually holds all of it.
import { LOWER_TOKEN } from "./chars.ts";

/** Bytes looked at first; more only when the head is longer. */
export const SCAN_WINDOW = 8 * 1024;

/** Index behind the CRLF that ends the last line, or -1. `known` characters were searched before. */
export function findHeadEnd(text: string, known: number): number {
  const at = text.indexOf("\r\n\r\n", Math.max(0, known - 3));
  return at < 0 ? -1 : at + 2;
}

/**
 * Whether an unfinished head can no longer become a good one: a line end that is not CRLF would hide the end of the head
 * from us until the timeout. `known` characters were looked at before.
 */
export function hasBareLineEnd(text: string, known: number): boolean {
  for (let at = text.indexOf("\n", known); at >= 0; at = text.indexOf("\n", at + 1)) {
    if (text.charCodeAt(at - 1) !== 13) return true;
  }
  for (
    let at = text.indexOf("\r", Math.max(0, known - 1));
    at >= 0 && at + 1 < text.length;
    at = text.indexOf("\r", at + 1)
  ) {
    if (text.charCodeAt(at + 1) !== 10) return true;
  }
  return false;
}

/** Whether the first character cannot begin a request: a TLS hello on a plain port, for example. */
export const startsWrong = (text: string): boolean =>
  text !== "" && LOWER_TOKEN[text.charCodeAt(0)] === 0 && !"\r\n".startsWith(text.slice(0, 2));

const STATUS_LINE = "HTTP/1.";

/** Whether the beginning of an answer cannot become a status line: another protocol, or none. */
export const startsWrongAnswer = (text: string): boolean =>
  !text.startsWith(STATUS_LINE) && !STATUS_LINE.startsWith(text);
