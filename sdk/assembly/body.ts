// The body (or TCP data) visible in the running callback: the chunk, or all that was buffered while the filter pauses.
// Edits are portable: each starts at offset 0 or at the end, because Envoy refuses others (abi.md 5.2).
import { Bytes } from "./bytes";
import * as env from "./env";
import { accepted } from "./host-status";
import { out, outPtr, outSize } from "./scratch";
import { encode, encodedSize } from "./text/utf8";

/** One object per direction and VM, re-armed for each callback. */
@unmanaged
export class BodyView {
  private buffer: u32;
  /** Bytes visible now. Edits keep it up to date. */
  size: i32;
  /** True on the last chunk (and no trailers follow). */
  end: bool;

  /** For the dispatcher: the same object for the next callback; `size` in bytes. */
  arm(size: u32, end: bool): BodyView {
    this.size = <i32>size;
    this.end = end;
    return this;
  }
  /** Up to `most` bytes from `start`; empty when there are none. Edit in place, then hand back with `replace`. */
  window(start: i32 = 0, most: i32 = i32.MAX_VALUE): Bytes {
    if (start >= this.size) return Bytes.at(0, 0);
    const ok = accepted(env.proxy_get_buffer_bytes(this.buffer, start, min(most, this.size - start), out, out + 4));
    return ok ? Bytes.at(outPtr(), outSize()) : Bytes.at(0, 0);
  }
  /** All of it as a String (allocates). */
  text(): string {
    return this.window().toString();
  }
  /** The body becomes `bytes`, of any length. */
  replace(bytes: Bytes): bool {
    return this.splice(0, this.size, bytes.ptr, bytes.length);
  }
  /** The body becomes `text`. */
  replaceText(text: string): bool {
    const bytes = encode(text);
    return this.splice(0, this.size, bytes, encodedSize);
  }
  /** Adds at the end. */
  append(bytes: Bytes): bool {
    return this.splice(this.size, 0, bytes.ptr, bytes.length);
  }
  /** Adds text at the end. */
  appendText(text: string): bool {
    const bytes = encode(text);
    return this.splice(this.size, 0, bytes, encodedSize);
  }
  /** Adds in front. */
  prepend(bytes: Bytes): bool {
    return this.splice(0, 0, bytes.ptr, bytes.length);
  }
  /** Adds text in front. */
  prependText(text: string): bool {
    const bytes = encode(text);
    return this.splice(0, 0, bytes, encodedSize);
  }
  /** Removes the first `count` bytes. */
  drop(count: i32): bool {
    return this.splice(0, min(count, this.size), 0, 0);
  }

  private splice(start: i32, remove: i32, bytes: usize, size: usize): bool {
    // Append is "start at or past the end"; the usual number for it is the largest.
    const from: u32 = remove == 0 && start > 0 ? u32.MAX_VALUE : <u32>start;
    if (!accepted(env.proxy_set_buffer_bytes(this.buffer, from, remove, bytes, size))) return false;
    this.size += <i32>size - remove;
    return true;
  }
}
