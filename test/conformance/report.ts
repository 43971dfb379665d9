// Reads what the probe guests log: one line per callback, `P <callback> <context> <a> <b> <c> <d>`, then per operation
// `|<status>`, ` <offset>=<word>` for each word of the arena that changed, ` t<i>=<hex>` for texts. Operations of the allocator
// are written `+<status>`, before the operation that made the host ask for memory.
import { CALLBACKS, type CallbackName } from "./functions.ts";

export interface ReportedOperation {
  readonly status: number;
  readonly words: ReadonlyMap<number, number>;
  readonly texts: ReadonlyMap<number, string>;
}

export interface ReportedCallback {
  readonly callback: CallbackName;
  readonly context: number;
  readonly args: readonly number[];
  readonly operations: readonly ReportedOperation[];
  /** Of the allocator while this callback ran. */
  readonly allocations: readonly ReportedOperation[];
}

const number = (digits: string): number => Number.parseInt(digits, 16);

/** Null for a line that is not a report. */
export function parseReport(line: string): ReportedCallback | null {
  if (!line.startsWith("P ")) return null;
  const [head = "", ...rest] = line.split(/(?=[|+])/);
  const [callback = 0, context = 0, ...args] = head.slice(2).split(" ").map(number);
  const name = CALLBACKS[callback];
  if (name === undefined) return null;
  const of = (mark: string) =>
    rest.filter((part) => part.startsWith(mark)).map((part) => parseOperation(part.slice(1)));
  return { callback: name, context, args, operations: of("|"), allocations: of("+") };
}

function parseOperation(part: string): ReportedOperation {
  const [status = "", ...results] = part.split(" ");
  const words = new Map<number, number>();
  const texts = new Map<number, string>();
  for (const result of results) {
    const [name = "", value = ""] = result.split("=");
    if (name.startsWith("t")) texts.set(Number(name.slice(1)), Buffer.from(value, "hex").toString("latin1"));
    else words.set(number(name), number(value));
  }
  return { status: number(status), words, texts };
}
