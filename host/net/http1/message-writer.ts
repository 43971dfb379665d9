// Puts one message after another on a wire: holds the head until the turn ends or the body begins, chooses the framing, and
// never lets a second length out. Used for requests to upstreams and for answers to clients alike.
//
//   idle -> begin -> held -> (length | chunked | close) -> idle
//   idle -> bodyless -> none (pieces are dropped) -> idle          idle -> raw -> close
//              whole message known at `begin` or with the first piece: Content-Length of what is really there
import type { HeaderList } from "../../abi/headers.ts";
import type { Wire } from "../../upstream/transport.ts";
import { Outbox, SMALL_BYTES } from "../outbox.ts";
import { type TurnTask, atTurnEnd } from "../turn.ts";
import { latin1 } from "../latin1.ts";
import { trailerLines } from "./serialize.ts";

/** How a body without a usable length is framed: chunked, or ended by closing (HTTP/1.0 clients). */
export type OpenFraming = "chunked" | "close";

type Mode = "idle" | "held" | "length" | "chunked" | "close" | "none";

export interface WriterOwner {
  /** More is waiting for the peer than the wire buffers; the wire will say when it has drained. */
  writeBlocked(): void;
}

export class MessageWriter implements TurnTask {
  readonly #out: Outbox;
  readonly #owner: WriterOwner;
  #mode: Mode = "idle";
  #head = "";
  /** Length announced or to be announced; -1 = none. Counts down in mode `length`. */
  #left = -1;
  #open: OpenFraming = "chunked";
  #waiting = false;

  constructor(wire: Wire, owner: WriterOwner) {
    this.#out = new Outbox(wire);
    this.#owner = owner;
  }

  /** A message without a body, or a complete one as text. */
  whole(text: string): void {
    this.#out.text(text);
    this.#wake();
  }

  /** A message that must not have the body that will be given for it (the answer to HEAD). */
  bodyless(text: string): void {
    this.#mode = "none";
    this.whole(text);
  }

  /** A message behind which no HTTP follows: pieces go out as they are. */
  raw(text: string): void {
    this.#mode = "close";
    this.whole(text);
  }

  /**
   * A message with a body. `head` is complete but for its framing and the empty line.
   * @param length what was announced by whoever makes the body, or -1
   */
  begin(head: string, length: number, open: OpenFraming): void {
    this.#mode = "held";
    this.#head = head;
    this.#left = length;
    this.#open = open;
    this.#wake();
  }

  /**
   * A piece of the body; characters are bytes. False: the body does not have the length that has already been sent, and
   * nothing of the piece was written. The connection can then only be broken off.
   */
  text(text: string, last: boolean): boolean {
    if (this.#mode === "none") return true;
    this.#commit(text.length, last);
    if (!this.#fits(text.length, last)) return false;
    if (this.#mode === "chunked") this.#chunkText(text, last);
    else this.#out.text(text);
    if (last) this.#mode = "idle";
    this.#wake();
    return true;
  }

  /** As `text`; the writer owns `bytes` from here. */
  bytes(bytes: Buffer, last: boolean): boolean {
    if (this.#mode === "none") return true;
    if (bytes.length < SMALL_BYTES) return this.text(latin1(bytes, 0, bytes.length), last);
    this.#commit(bytes.length, last);
    if (!this.#fits(bytes.length, last)) return false;
    if (this.#mode === "chunked") this.#chunkBytes(bytes, last);
    else this.#out.bytes(bytes);
    if (last) this.#mode = "idle";
    this.#wake();
    return true;
  }

  /** Ends the body. Trailers need chunks; with another framing they are left out. False as with `text`. */
  trailers(list: HeaderList): boolean {
    this.#commit(-1, false);
    if (this.#mode !== "chunked") return this.text("", true);
    this.#out.text(`0\r\n${trailerLines(list)}\r\n`);
    this.#mode = "idle";
    this.#wake();
    return true;
  }

  /** Forgets a message that will not be finished; what was collected and not yet sent is dropped with the wire. */
  abandon(): void {
    this.#mode = "idle";
    this.#head = "";
  }

  turnEnded(): void {
    this.#waiting = false;
    // The body will come in later turns: announce what is known now.
    this.#commit(-1, false);
    if (!this.#out.flush()) this.#owner.writeBlocked();
  }

  #wake(): void {
    if (this.#waiting) return;
    this.#waiting = true;
    atTurnEnd(this);
  }

  /** Writes a held head. `length` counts only when it is the whole body, which then decides the framing. */
  #commit(length: number, whole: boolean): void {
    if (this.#mode !== "held") return;
    if (whole) this.#left = length;
    this.#mode = this.#left >= 0 ? "length" : this.#open;
    const framing =
      this.#mode === "length"
        ? `content-length: ${this.#left}\r\n\r\n`
        : this.#mode === "chunked"
          ? "transfer-encoding: chunked\r\n\r\n"
          : "\r\n";
    this.#out.text(this.#head + framing);
    this.#head = "";
  }

  #fits(length: number, last: boolean): boolean {
    if (this.#mode === "idle") return length === 0;
    if (this.#mode !== "length") return true;
    if (length > this.#left || (last && length !== this.#left)) return false;
    this.#left -= length;
    return true;
  }

  #chunkText(text: string, last: boolean): void {
    // An empty chunk would end the body.
    const chunk = text === "" ? "" : `${text.length.toString(16)}\r\n${text}\r\n`;
    this.#out.text(last ? `${chunk}0\r\n\r\n` : chunk);
  }

  #chunkBytes(bytes: Buffer, last: boolean): void {
    this.#out.text(`${bytes.length.toString(16)}\r\n`);
    this.#out.bytes(bytes);
    this.#out.text(last ? "\r\n0\r\n\r\n" : "\r\n");
  }
}
