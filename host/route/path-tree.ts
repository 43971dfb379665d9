// A radix tree over rule paths: one walk along the request's path proposes every rule whose prefix or exact path can fit,
// however many rules there are. It only proposes; headers and the declared order decide in the table.

interface Node {
  /** Text between the parent and this node. */
  text: string;
  /** By first character code of the child's text. */
  readonly children: Map<number, Node>;
  /** Rule numbers, ascending. */
  readonly prefixes: number[];
  readonly exacts: number[];
}

const newNode = (text: string): Node => ({ text, children: new Map(), prefixes: [], exacts: [] });

export class PathTree {
  readonly #root = newNode("");

  /** Rules must be added in ascending order of `rule`. */
  add(path: string, kind: "prefix" | "exact", rule: number): void {
    const node = this.#nodeFor(path);
    (kind === "prefix" ? node.prefixes : node.exacts).push(rule);
  }

  /** Appends to `found` the rule lists that fit `path` (already without its query). */
  propose(path: string, found: (readonly number[])[]): void {
    let node = this.#root;
    let at = 0;
    for (;;) {
      if (node.prefixes.length > 0) found.push(node.prefixes);
      if (at === path.length) {
        if (node.exacts.length > 0) found.push(node.exacts);
        return;
      }
      const child = node.children.get(path.charCodeAt(at));
      if (child === undefined || !path.startsWith(child.text, at)) return;
      at += child.text.length;
      node = child;
    }
  }

  #nodeFor(path: string): Node {
    let node = this.#root;
    let at = 0;
    while (at < path.length) {
      const code = path.charCodeAt(at);
      const child = node.children.get(code);
      if (child === undefined) {
        const leaf = newNode(path.slice(at));
        node.children.set(code, leaf);
        return leaf;
      }
      const shared = commonLength(child.text, path, at);
      node = shared === child.text.length ? child : split(node, child, shared);
      at += shared;
    }
    return node;
  }
}

function commonLength(text: string, path: string, at: number): number {
  let length = 0;
  while (
    length < text.length &&
    at + length < path.length &&
    text.charCodeAt(length) === path.charCodeAt(at + length)
  ) {
    length++;
  }
  return length;
}

/** Puts a new node between `parent` and `child` after `length` characters of the child's text. */
function split(parent: Node, child: Node, length: number): Node {
  const middle = newNode(child.text.slice(0, length));
  parent.children.set(middle.text.charCodeAt(0), middle);
  child.text = child.text.slice(length);
  middle.children.set(child.text.charCodeAt(0), child);
  return middle;
}
