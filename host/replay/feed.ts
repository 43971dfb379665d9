// Gives a replayed stream what the recorded one was given: each recorded callback is what the chain would have been told at
// that moment. Called by the player.
import type { HeaderList } from "../abi/headers.ts";
import type { InLine } from "./events.ts";
import type { ReplayStream } from "./replay-stream.ts";
import { wholeBytes } from "./tape.ts";

/** One stream of one player. */
export interface Life {
  readonly stream: ReplayStream;
  /** The stream's facts, to be written to. */
  readonly facts: Record<string, unknown>;
  /** What the recorded module left in the maps. */
  readonly recorded: Map<number, readonly string[]>;
  ended: boolean;
}

/** Facts and maps as they had become when the recorded callback began. @param isDone it has run by itself already */
export function prepare(life: Life, line: InLine, isDone: boolean): void {
  const { stream } = life;
  if (!isDone) stream.goOn();
  stream.open = line.open ?? 0;
  Object.assign(life.facts, line.facts);
  for (const [key, list] of Object.entries(line.maps ?? {})) {
    const map = Number(key);
    const live = stream.map(map);
    if (live !== null && !isDone) overtake(live, life.recorded.get(map) ?? [], list);
    life.recorded.set(map, list);
  }
}

export function feed(life: Life, { fn, a, body }: InLine): void {
  const { stream, recorded } = life;
  const list = (map: number): HeaderList => [...(recorded.get(map) ?? [])];
  const end = a[1] === 1;
  const chunk = (): Buffer => wholeBytes(body);
  switch (fn) {
    case "proxy_on_context_create":
      return void stream.contextAt(0, "request");
    case "proxy_on_request_headers":
      return stream.requestHeaders(list(0), end);
    case "proxy_on_request_body":
      return stream.requestBody(chunk(), end);
    case "proxy_on_request_trailers":
      return stream.requestTrailers(list(1));
    case "proxy_on_response_headers":
      return stream.responseHeaders(list(2), end);
    case "proxy_on_response_body":
      return stream.responseBody(chunk(), end);
    case "proxy_on_response_trailers":
      return stream.responseTrailers(list(3));
    default:
      // on_log, on_done, on_delete.
      return close(life);
  }
}

/** Its last callbacks run. */
export function close(life: Life): void {
  if (!life.ended) life.stream.end();
  life.ended = true;
}

/** Others changed the map meanwhile: the same names change here, whatever this module has done to the rest. */
function overtake(live: HeaderList, left: readonly string[], now: readonly string[]): void {
  if (live.length === left.length && live.every((text, at) => text === left[at])) {
    live.splice(0, live.length, ...now);
    return;
  }
  const changed = new Set<string>();
  for (const [a, b] of [
    [left, now],
    [now, left],
  ] as const)
    for (let at = 0; at < a.length; at += 2) if (!has(b, a[at] ?? "", a[at + 1] ?? "")) changed.add(a[at] ?? "");
  const kept = live.filter((_, at) => !changed.has(live[at - (at % 2)] ?? ""));
  const come = now.filter((_, at) => changed.has(now[at - (at % 2)] ?? ""));
  live.splice(0, live.length, ...kept, ...come);
}

const has = (list: readonly string[], name: string, value: string): boolean =>
  list.some((text, at) => at % 2 === 0 && text === name && list[at + 1] === value);
