// One of the two sockets of a proxied connection as a pipe of bytes: reads unless something holds it, writes, ends one
// direction without the other (RFC 9293 3.6: half-close). Owned by TcpConnection, which couples two of them.
import type { Socket } from "node:net";
import * as peer from "../../../sdk/assembly/abi/peer.ts";

/** Why reading is held; bits. */
export const HOLD = {
  /** A filter holds as much as it may. */
  filter: 1,
  /** The other side does not read. */
  peer: 2,
  /** This side does not read what filters have written to it. */
  reply: 4,
  /** The other side is not connected yet. */
  dial: 8,
} as const;

export interface LegOwner {
  /** `chunk` is the owner's. */
  legData(leg: Leg, chunk: Buffer): void;
  /** The peer has sent FIN. */
  legEnded(leg: Leg): void;
  /** What was written has left. */
  legDrained(leg: Leg): void;
  /** Once, last. */
  legClosed(leg: Leg): void;
}

export class Leg {
  /** The peer has sent FIN. */
  ended = false;
  /** We have sent FIN, or will when what was written has left. */
  finished = false;
  closed = false;
  /** Broke instead of ending. */
  failed = false;
  /** Who began to end it (abi/peer.ts). */
  closedBy: number = peer.UNKNOWN;
  readonly #socket: Socket;
  #holds = 0;
  /** Nothing that comes is wanted any more. */
  #discarding = false;

  constructor(socket: Socket, owner: LegOwner) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => {
      if (!this.#discarding) owner.legData(this, chunk);
    });
    socket.on("end", () => {
      this.ended = true;
      this.#begun(peer.REMOTE);
      if (!this.#discarding) owner.legEnded(this);
    });
    socket.on("drain", () => owner.legDrained(this));
    socket.on("error", () => {
      this.failed = true;
      this.#begun(peer.REMOTE);
    });
    socket.on("close", () => {
      this.closed = true;
      owner.legClosed(this);
    });
  }

  /** Both sides have said FIN. */
  get orderly(): boolean {
    return this.ended && this.finished && !this.failed;
  }

  /** The peer is slow: legDrained will follow. */
  get blocked(): boolean {
    return this.#socket.writableNeedDrain;
  }

  /** Bytes that wait for the peer to read. */
  get pending(): number {
    return this.#socket.writableLength;
  }

  /** False: the peer is slow, legDrained will follow. */
  write(chunk: Buffer): boolean {
    return this.finished || this.#socket.destroyed || this.#socket.write(chunk);
  }

  /** FIN behind what was written; reading goes on. */
  end(): void {
    if (this.finished) return;
    this.finished = true;
    this.#begun(peer.LOCAL);
    this.#socket.end();
  }

  /** Whether this call stopped the reading. */
  hold(reason: number, on: boolean): boolean {
    const before = this.#holds;
    this.#holds = on ? before | reason : before & ~reason;
    if (this.#discarding || (before === 0) === (this.#holds === 0)) return false;
    if (on) this.#socket.pause();
    else this.#socket.resume();
    return on;
  }

  /** Ends in order: FIN behind what was written, and whatever still comes is dropped, so that no reset overtakes it. */
  finish(): void {
    this.#discarding = true;
    this.end();
    this.#socket.resume();
  }

  destroy(): void {
    this.#begun(peer.LOCAL);
    this.#socket.destroy();
  }

  /** The peer sees a reset: it must not take what it has for everything. */
  reset(): void {
    this.#begun(peer.LOCAL);
    this.#socket.resetAndDestroy();
  }

  #begun(by: number): void {
    if (this.closedBy === peer.UNKNOWN) this.closedBy = by;
  }
}
