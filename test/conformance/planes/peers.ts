// What a socket plane needs of a protocol: a client that sends a case's request, an upstream that answers as the case says.
import type { Writable } from "node:stream";
import type { Case, Fields } from "../case.ts";
import type { Message } from "../outcome.ts";

export interface Exchange {
  /** The whole answer; null when there was none, or not a whole one. Never rejects. */
  readonly answer: Promise<Message | null>;
  /** The client gives up. */
  leave(): void;
}

export interface CaseClient {
  /** @param script header fields that carry it, none when it came with the configuration */
  send(one: Case, script: Fields, pace: Pace): Exchange;
  close(): void;
}

export interface CaseUpstream {
  readonly port: number;
  /** The newest request that was not a call-out. */
  readonly seen: Message | null;
  listen(): Promise<void>;
  /** The case whose `response` and `callouts` are given from now on. */
  take(one: Case, pace: Pace): void;
  close(): Promise<void>;
}

/** Resolves when the filter has seen `pieces` pieces. */
export type Pace = (pieces: number) => Promise<void>;
export const NO_PACE: Pace = () => Promise.resolve();

/** Writes the pieces of a body at the case's pace, then its end. */
export async function sendPieces(to: Writable, pieces: readonly string[], pace: Pace): Promise<void> {
  for (const [at, piece] of pieces.entries()) {
    await pace(at);
    if (to.destroyed) return;
    // The end goes with the last piece where the protocol lets it.
    if (at === pieces.length - 1) to.end(piece, "latin1");
    else to.write(piece, "latin1");
  }
  if (pieces.length === 0) to.end();
}
