// Request bodies of the admin API: read whole, up to a limit, and the few shapes they have.
import type { IncomingMessage } from "node:http";
import type { Problem } from "../base/problem.ts";
import { AdminRefusal } from "./reply.ts";

function tooLarge(limit: number): AdminRefusal {
  return new AdminRefusal(413, "body_too_large", `the body is larger than ${limit} bytes`, {
    // The rest of the body is not read, so the connection cannot be used again.
    headers: { connection: "close" },
  });
}

/** @throws AdminRefusal 413 as soon as the length is announced or exceeded. */
export async function readBody(request: IncomingMessage, limit: number): Promise<Uint8Array> {
  if (Number(request.headers["content-length"] ?? 0) > limit) throw tooLarge(limit);
  const chunks: Uint8Array[] = [];
  let length = 0;
  // Leaving the loop must not destroy the request: its socket still carries the answer.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
    length += chunk.byteLength;
    if (length > limit) throw tooLarge(limit);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

/** UTF-8 text, or 422. */
export function toText(body: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(body);
  } catch {
    throw new AdminRefusal(422, "bad_encoding", "the body is not UTF-8 text");
  }
}

/** V8 names the place in its message; a caller wants it as numbers. */
function placeIn(message: string): Partial<Problem> {
  const found = /\(line (\d+) column (\d+)\)/.exec(message);
  return found === null ? {} : { line: Number(found[1]), column: Number(found[2]) };
}

/** A JSON object; an empty body is an empty object. */
export function toObject(body: Uint8Array): Readonly<Record<string, unknown>> {
  const given = toText(body).trim();
  if (given === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(given);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new AdminRefusal(400, "bad_json", `the body is not JSON: ${message}`, { problem: placeIn(message) });
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw wrong("", "expected a JSON object");
  return value as Record<string, unknown>;
}

function wrong(pointer: string, message: string): AdminRefusal {
  return new AdminRefusal(422, "bad_value", message, { problem: { kind: "config", pointer } });
}

type Shape = Readonly<Record<string, unknown>>;

/** Unknown keys are errors here as in the config. */
export function onlyKeys(body: Shape, known: readonly string[]): void {
  const extra = Object.keys(body).find((key) => !known.includes(key));
  if (extra !== undefined) throw wrong(`/${extra}`, `unknown key "${extra}", known: ${known.join(", ")}`);
}

/** A string that must be there. */
export function stringIn(body: Shape, key: string, at = ""): string {
  const value = body[key];
  if (typeof value !== "string" || value === "") throw wrong(`${at}/${key}`, `${key}: expected a string`);
  return value;
}

/** A string, or undefined when absent. */
export function optionalStringIn(body: Shape, key: string): string | undefined {
  return body[key] === undefined ? undefined : stringIn(body, key);
}

/** A number from 0 to 100. */
export function percentIn(body: Shape, key: string, at = ""): number {
  const value = body[key];
  if (typeof value !== "number" || value < 0 || value > 100) {
    throw wrong(`${at}/${key}`, `${key}: expected a number from 0 to 100`);
  }
  return value;
}

/** A list of objects. */
export function objectsIn(body: Shape, key: string): readonly Shape[] {
  const value = body[key];
  const isList = Array.isArray(value) && value.every((item) => typeof item === "object" && item !== null);
  if (!isList) throw wrong(`/${key}`, `${key}: expected a list of objects`);
  return value as Shape[];
}

/** A list of strings. */
export function stringsIn(body: Shape, key: string): readonly string[] {
  const value = body[key];
  if (!Array.isArray(value) || value.some((item) => typeof item !== "string")) {
    throw wrong(`/${key}`, `${key}: expected a list of strings`);
  }
  return value as string[];
}

/** An object of percentages by name. */
export function percentsIn(body: Shape, key: string): Readonly<Record<string, number>> {
  const value = body[key];
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw wrong(`/${key}`, `${key}: expected an object of name -> percent`);
  }
  const shape = value as Record<string, unknown>;
  return Object.fromEntries(Object.keys(shape).map((name) => [name, percentIn(shape, name, `/${key}`)]));
}
