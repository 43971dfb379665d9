// What travels in one direction of a stream apart from its body: headers and trailers, and until when filters may write
// them. Direction takes it through the filters; the stream looks header maps up in two of them.
import * as maps from "../../sdk/assembly/abi/map.ts";
import type { HeaderList } from "../abi/headers.ts";

export class Message {
  headers: HeaderList | null = null;
  /** The headers as they came, kept at the first write; null: nobody has written them. */
  parsed: HeaderList | null = null;
  trailers: HeaderList | null = null;
  /** The headers have left the chain. */
  forwarded = false;
  /** So have the trailers. */
  trailersForwarded = false;
  /** The last body callback runs, and no trailers came: it may add some (abi.md 5.3). */
  ending = false;

  /** Can headers be written now? Keeps them as they came, so that whoever sends them need check only what is new. */
  openHeaders(): boolean {
    if (this.forwarded) return false;
    this.parsed ??= this.headers?.slice() ?? null;
    return true;
  }

  /** Can trailers be written now? Makes a map for them when a filter may add some. */
  openTrailers(): boolean {
    if (this.trailers === null && this.ending) this.trailers = [];
    return this.trailers !== null && !this.trailersForwarded;
  }

  /** Did the last body callback, which has returned, add trailers? Asking to write is not adding. */
  trailersAdded(): boolean {
    if (!this.ending) return false;
    this.ending = false;
    if (this.trailers?.length === 0) this.trailers = null;
    return this.trailers !== null;
  }
}

/** The list behind header map `map` of an exchange; null when it is not there, or not one of an exchange. */
export function listOf(request: Message, response: Message, map: number): HeaderList | null {
  switch (map) {
    case maps.HTTP_REQUEST_HEADERS:
      return request.headers;
    case maps.HTTP_REQUEST_TRAILERS:
      return request.trailers;
    case maps.HTTP_RESPONSE_HEADERS:
      return response.headers;
    case maps.HTTP_RESPONSE_TRAILERS:
      return response.trailers;
    default:
      return null;
  }
}

/** As {@link opens}, for somebody who only looks: nothing is kept or made for a write that may come. */
export function isOpen(request: Message, response: Message, map: number): boolean {
  const message = map <= maps.HTTP_REQUEST_TRAILERS ? request : response;
  const isTrailers = map === maps.HTTP_REQUEST_TRAILERS || map === maps.HTTP_RESPONSE_TRAILERS;
  if (!isTrailers) return !message.forwarded;
  return (message.trailers !== null || message.ending) && !message.trailersForwarded;
}

/** May header map `map` of an exchange be written now? Until it has left the chain. */
export function opens(request: Message, response: Message, map: number): boolean {
  const message = map <= maps.HTTP_REQUEST_TRAILERS ? request : response;
  const isTrailers = map === maps.HTTP_REQUEST_TRAILERS || map === maps.HTTP_RESPONSE_TRAILERS;
  return isTrailers ? message.openTrailers() : message.openHeaders();
}
