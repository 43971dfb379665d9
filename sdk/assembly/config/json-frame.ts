// Where a JsonReader stands: the open objects and lists from the inside out, for paths in messages and for duplicate
// keys. Unmanaged and in scratch memory, as the reader itself: a configuration is read without a single GC object but
// the strings that it holds, and the code for it is a third smaller.
import { scratch } from "../scratch";
import { formatInt } from "../text/number";
import { decode } from "../text/utf8";

/** A key that stood in the object already. */
@unmanaged
class Seen {
  key: usize;
  size: usize;
  next: Seen | null;
}

/** An open object or list. */
@unmanaged
export class Frame {
  /** Bytes of the current key. */
  key: usize;
  size: usize;
  index: i32;
  depth: i32;
  isList: bool;
  outer: Frame | null;
  private seen: Seen | null;

  static open(isList: bool, outer: Frame | null): Frame {
    const frame = changetype<Frame>(scratch(offsetof<Frame>()));
    frame.key = 0;
    frame.size = 0;
    frame.index = -1;
    frame.depth = outer ? outer.depth + 1 : 1;
    frame.isList = isList;
    frame.outer = outer;
    frame.seen = null;
    return frame;
  }
  /** Notes the current key; false when it stood here before. */
  note(): bool {
    for (let at = changetype<usize>(this.seen); at; at = changetype<usize>(changetype<Seen>(at).next)) {
      const seen = changetype<Seen>(at);
      if (seen.size == this.size && memory.compare(seen.key, this.key, this.size) == 0) return false;
    }
    const noted = changetype<Seen>(scratch(offsetof<Seen>()));
    noted.key = this.key;
    noted.size = this.size;
    noted.next = this.seen;
    this.seen = noted;
    return true;
  }
  /** `/rules/3` */
  path(): string {
    const outer = this.outer;
    const before = outer ? outer.path() : "";
    if (this.isList) return before + "/" + formatInt(max(this.index, 0)).toString();
    return this.size ? before + "/" + decode(this.key, this.size) : before;
  }
}
