// What peers of a socket plane got, in the terms of an outcome; and which way a case's bodies and trailers are sent.
import type { CaseRequest, CaseResponse, Fields } from "../case.ts";
import type { Message } from "../outcome.ts";

/** Names and values by turns, as Node gives them. */
export const toFields = (list: readonly string[]): Fields =>
  list.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), list[at + 1] ?? ""] as const] : []));

export const toMessage = (
  status: number,
  headers: Fields,
  parts: readonly Buffer[],
  trailers: readonly string[],
): Message => ({
  status,
  headers,
  body: Buffer.concat(parts).toString("latin1"),
  trailers: trailers.length === 0 ? null : toFields(trailers),
});

/** Whether anything follows the headers. */
export const hasBody = ({ chunks = [], trailers }: CaseRequest | CaseResponse): boolean =>
  chunks.length > 0 || trailers !== undefined;

/** Repeated names become one field with several values: Node takes trailers as an object. */
export function trailerObject(trailers: Fields): Record<string, string[]> {
  const object: Record<string, string[]> = {};
  for (const [name, value] of trailers) (object[name] ??= []).push(value);
  return object;
}
