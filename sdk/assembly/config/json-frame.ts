// Where a JsonReader stands: the open objects and lists from the inside out, for paths in messages and for duplicate keys.
import { formatInt } from "../text/number";

/** A key that stood in the object already. */
class Seen {
  constructor(
    public key: string,
    public next: Seen | null,
  ) {}
}

/** An open object or list. */
export class Frame {
  key: string = "";
  index: i32 = -1;
  seen: Seen | null = null;
  depth: i32;

  constructor(
    public isList: bool,
    public outer: Frame | null,
  ) {
    this.depth = outer ? outer.depth + 1 : 1;
  }
  /** Notes the current key; false when it stood here before. */
  note(): bool {
    let at: Seen | null = this.seen;
    while (at) {
      if (at.key == this.key) return false;
      at = at.next;
    }
    this.seen = new Seen(this.key, this.seen);
    return true;
  }
  /** `/rules/3` */
  path(): string {
    const outer = this.outer;
    const before = outer ? outer.path() : "";
    if (this.isList) return before + "/" + formatInt(max(this.index, 0)).toString();
    return this.key == "" ? before : before + "/" + this.key;
  }
}
