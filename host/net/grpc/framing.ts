// gRPC messages on the wire: one byte of flags, four of length, the message (PROTOCOL-HTTP2.md "Length-Prefixed-Message").
// The reader is fed whatever pieces arrive and gives whole messages; what it is fed is hostile.

const PREFIX = 5;
const MAX_PIECES = 512;

/** Why the peer's bytes are no messages. */
export type FramingFault = "compressed" | "too_large";

export function frameMessage(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(PREFIX + message.length);
  frame[0] = 0;
  frame.writeUInt32BE(message.length, 1);
  message.copy(frame, PREFIX);
  return frame;
}

export class MessageReader {
  readonly #maxBytes: number;
  #pieces: Buffer[] = [];
  #bytes = 0;
  /** Of the message whose prefix has been read; -1 = none. */
  #wanted = -1;

  /** @param maxBytes of one message */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Part of a message is here. */
  get isInside(): boolean {
    return this.#bytes > 0 || this.#wanted >= 0;
  }

  /** `piece` is kept, not copied, until its messages have been taken. */
  feed(piece: Buffer): void {
    if (piece.length === 0) return;
    this.#pieces.push(piece);
    this.#bytes += piece.length;
    // A peer that sends single bytes must not cost an object for each of a million.
    if (this.#pieces.length === MAX_PIECES) this.#pieces = [Buffer.concat(this.#pieces)];
  }

  /** The next whole message, null when more bytes are needed, or a fault, after which nothing more may be asked. */
  next(): Buffer | FramingFault | null {
    if (this.#wanted < 0) {
      if (this.#bytes < PREFIX) return null;
      const prefix = this.#take(PREFIX);
      if (prefix[0] !== 0) return "compressed";
      this.#wanted = prefix.readUInt32BE(1);
      // Before the message has come: a length costs nothing to claim.
      if (this.#wanted > this.#maxBytes) return "too_large";
    }
    if (this.#bytes < this.#wanted) return null;
    const message = this.#take(this.#wanted);
    this.#wanted = -1;
    return message;
  }

  #take(size: number): Buffer {
    const first = this.#pieces[0];
    this.#bytes -= size;
    if (first !== undefined && first.length >= size) {
      if (first.length === size) this.#pieces.shift();
      else this.#pieces[0] = first.subarray(size);
      return first.subarray(0, size);
    }
    const all = Buffer.concat(this.#pieces);
    this.#pieces = all.length === size ? [] : [all.subarray(size)];
    return all.subarray(0, size);
  }
}
