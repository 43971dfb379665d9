// The head of an answer to a client: its lines, and how what follows them is framed. Called by Http1Connection, which adds the
// Connection header that belongs between the two.
import { type HeaderList, NOTHING_PARSED } from "../../abi/headers.ts";
import type { ResponseStart } from "../client-side.ts";
import type { MessageWriter, OpenFraming } from "./message-writer.ts";
import { statusLine } from "./reasons.ts";
import { checkedLines, parsedLines, withoutHop } from "./serialize.ts";

/** `none`: no body whatever is given for one. `raw`: no HTTP any more. */
export type AnswerFraming = OpenFraming | "none" | "raw";

/** Status line and headers; null when they cannot be sent. */
export function answerLines(headers: HeaderList, { parsed, upgrade }: ResponseStart): string | null {
  const status = Number(headers[1]);
  if (upgrade !== "") return tunnelLines(headers, upgrade, status);
  const lines = parsed === null ? parsedLines(headers, 2) : checkedLines(headers, parsed);
  return lines === null || !(status >= 200 && status <= 599) ? null : statusLine(status) + lines;
}

function tunnelLines(headers: HeaderList, upgrade: string, status: number): string | null {
  const lines = checkedLines(withoutHop(headers), NOTHING_PARSED);
  if (lines === null) return null;
  return `${statusLine(status)}${lines}${status === 101 ? `connection: upgrade\r\nupgrade: ${upgrade}\r\n` : ""}`;
}

export function answerFraming(method: string, status: string | undefined, http10: boolean): AnswerFraming {
  if (method === "HEAD" || status === "204" || status === "304") return "none";
  return http10 ? "close" : "chunked";
}

/** Only the end of the connection ends the answer. */
export function isEndless(framing: AnswerFraming, { endStream, length }: ResponseStart): boolean {
  return framing === "close" && !endStream && length < 0;
}

/** @param head lines without the empty one */
export function writeAnswer(
  writer: MessageWriter,
  head: string,
  { endStream, length }: ResponseStart,
  framing: AnswerFraming,
): void {
  if (framing === "raw") writer.raw(`${head}\r\n`);
  else if (framing === "none") {
    const isSaid = length >= 0 && !head.startsWith("HTTP/1.1 204");
    writer.bodyless(head + (isSaid ? `content-length: ${length}\r\n\r\n` : "\r\n"));
  } else if (endStream) writer.whole(`${head}content-length: 0\r\n\r\n`);
  else writer.begin(head, length, framing);
}
