// A mistake a transform found in the author's source, with its place.
import type { Node, Range } from "assemblyscript";

export interface SourceProblem {
  readonly range: Range;
  readonly message: string;
}

/** Thrown out of `afterParse` to stop asc; the problems are read from the transform. */
export class TransformStopped extends Error {
  constructor() {
    super("a transform found problems");
    this.name = "TransformStopped";
  }
}

/** The source text a node stands for. */
export function textOf(node: Node): string {
  return node.range.source.text.slice(node.range.start, node.range.end);
}
