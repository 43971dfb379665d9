// Finding things in a streamed body although they may be cut by a chunk's edge. The scanner keeps the tail of each chunk
// that could be the beginning of a match, and puts it in front of the next one: constant memory, nothing is paused.
import { BodyView } from "./body";
import { Bytes } from "./bytes";
import { scratch } from "./scratch";

/** One per stream and direction: it holds the tail between chunks. */
export abstract class ChunkScanner {
  /** Set by `find`: length of the match. */
  protected found: i32 = 0;
  private tail: ArrayBuffer | null = null;

  /** `reach`: length of the longest match, in bytes; so much may be held back. */
  constructor(private reach: i32) {}

  /** Index of the first match at or after `from` (then set `found`), or -1. */
  abstract find(text: Bytes, from: i32): i32;
  /** Edit the match in place; its length stays. */
  abstract onMatch(match: Bytes): void;

  /** Scans one chunk: call it from the body callback and return Flow.Continue. */
  scan(body: BodyView): void {
    const text = this.joined(body);
    let from = 0;
    // What stands after `limit` may be the beginning of a match that is not complete yet.
    const limit = body.end ? text.length : max(text.length - this.reach + 1, 0);
    let keep = limit;
    for (let at = this.find(text, from); at >= 0; at = this.find(text, from)) {
      const end = at + this.found;
      if (at >= limit || (end == text.length && !body.end && this.found < this.reach)) {
        keep = min(at, limit);
        break;
      }
      this.onMatch(text.slice(at, end));
      from = end;
      keep = max(keep, end);
    }
    this.tail = keep < text.length ? text.slice(keep).copy() : null;
    body.replace(text.slice(0, keep));
  }

  private joined(body: BodyView): Bytes {
    const tail = this.tail;
    const chunk = body.window();
    if (tail === null) return chunk;
    const size = tail.byteLength + chunk.length;
    const room = scratch(size);
    memory.copy(room, changetype<usize>(tail), tail.byteLength);
    memory.copy(room + tail.byteLength, chunk.ptr, chunk.length);
    return Bytes.at(room, size);
  }
}

/** Finds a fixed text. */
export abstract class TextScanner extends ChunkScanner {
  private size: i32;

  constructor(private needle: string) {
    super(String.UTF8.byteLength(needle));
    this.size = String.UTF8.byteLength(needle);
  }
  /** Index of the text at or after `from`, or -1. */
  find(text: Bytes, from: i32): i32 {
    this.found = this.size;
    return text.indexOf(this.needle, from);
  }
}
