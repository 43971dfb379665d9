// Generated nodes stand where the author's do: messages and the source map then point at the author's line.
import type { Node } from "assemblyscript";

/** Gives `node` and everything in it the place of `at`. */
export function placeAt(node: Node, at: Node): void {
  const seen = new Set<object>();
  const walk = (value: unknown): void => {
    if (typeof value !== "object" || value === null || seen.has(value)) return;
    seen.add(value);
    for (const [key, inner] of Object.entries(value)) {
      if (key === "range") Object.assign(value, { range: at.range });
      else if (key !== "source") walk(inner);
    }
  };
  walk(node);
}
