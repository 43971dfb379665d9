// The answer to what never became a request.
import type { LocalReply } from "../../chain/ports.ts";
import type { RequestSummary } from "../facts.ts";
import { httpDate } from "../http-date.ts";
import { statusLine } from "./reasons.ts";
import { parsedLines } from "./serialize.ts";

/** Nothing of a refused head is trusted, not even for the log. */
export const NO_REQUEST: RequestSummary = { method: "", path: "", authority: "", userAgent: "" };

/** A whole answer that ends the connection. The reply's body is ASCII. */
export function refusalText({ status, headers, body }: LocalReply, nowMs: number): string {
  const head = `${statusLine(status)}${parsedLines(headers, 0)}date: ${httpDate(nowMs)}\r\n`;
  return `${head}connection: close\r\ncontent-length: ${body.length}\r\n\r\n${body.toString()}`;
}
