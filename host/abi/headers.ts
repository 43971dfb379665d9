// The one shape of a header map in the host: a flat list [name, value, name, value, ...], names lower-case, values latin1
// code units so that every byte round-trips, pseudo headers first. Codecs produce it, filters edit it in place, codecs
// write it. Flat because an object per header costs more than the parsing (bench: P1).
// See RATIONALE: "Why are header names lower-case on the wire?"

export type HeaderList = string[];

/** For those who compare a list with what a parser made of it: all of it is new. Never written. */
export const NOTHING_PARSED: HeaderList = [];

/**
 * The one string object that V8 keeps for this text. Two of them are compared by address; names from peers and names from
 * guests would else be compared character by character at each look-up. For tables of names: not cheap itself.
 */
export function internalized(text: string): string {
  // Property keys are internalized, and come back as such.
  return Object.keys({ [text]: 0 })[0] ?? text;
}

/** Index of the first `name` at or after pair index `from` (an even number), or -1. */
export function findHeader(list: HeaderList, name: string, from = 0): number {
  for (let at = from; at < list.length; at += 2) if (list[at] === name) return at;
  return -1;
}

/** The first value, or undefined. Use for headers that cannot repeat. */
export function firstHeader(list: HeaderList, name: string): string | undefined {
  const at = findHeader(list, name);
  return at < 0 ? undefined : list[at + 1];
}

/**
 * All values joined: `", "`, or `"; "` for cookie (RFC 9110 5.3, RFC 6265 5.4); set-cookie, which cannot be joined,
 * gives the first. Differs from Envoy, which hides every value but the first from filters (abi.md 5.3).
 */
export function joinedHeader(list: HeaderList, name: string): string | undefined {
  const at = findHeader(list, name);
  if (at < 0) return undefined;
  let value = list[at + 1] as string;
  if (name === "set-cookie") return value;
  const glue = name === "cookie" ? "; " : ", ";
  for (let next = findHeader(list, name, at + 2); next >= 0; next = findHeader(list, name, next + 2)) {
    value += glue + list[next + 1];
  }
  return value;
}

/** Sets `name` to one value: the first occurrence keeps its place, further ones go; absent -> appended. */
export function replaceHeader(list: HeaderList, name: string, value: string): void {
  const at = findHeader(list, name);
  if (at < 0) {
    list.push(name, value);
    return;
  }
  list[at + 1] = value;
  dropFrom(list, name, at + 2);
}

/** Appends another value. */
export function addHeader(list: HeaderList, name: string, value: string): void {
  list.push(name, value);
}

/** Removes every occurrence; absent is fine. */
export function removeHeader(list: HeaderList, name: string): void {
  dropFrom(list, name, 0);
}

function dropFrom(list: HeaderList, name: string, from: number): void {
  let at = findHeader(list, name, from);
  if (at < 0) return;
  let to = at;
  for (; at < list.length; at += 2) {
    if (list[at] === name) continue;
    list[to] = list[at] as string;
    list[to + 1] = list[at + 1] as string;
    to += 2;
  }
  list.length = to;
}
