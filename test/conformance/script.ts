// What a case is made of: operations (host calls with their arguments and what they must give), sections (which callback
// performs them), and their binary form, which the probe guests read. README.md describes the format for other hosts.
import { encodePairs } from "../../host/abi/pairs.ts";
import { CALLBACKS, type CallbackName, numberOf } from "./functions.ts";

/** One argument as data. Those with content take two places, pointer and length. */
export type Arg =
  | number
  /** Pointer and length of UTF-8 text. */
  | readonly ["text", string]
  /** Pointer and length of bytes in hex. */
  | readonly ["hex", string]
  /** Pointer and length of a serialised header list. */
  | readonly ["pairs", readonly (readonly [string, string])[]]
  /** Only the address of bytes in hex, plus an offset. Equal bytes lie at one address. */
  | readonly ["at", string, number?]
  /** Address in the arena, where results go. */
  | readonly ["out", number]
  /** Bytes of linear memory plus this. */
  | readonly ["end", number]
  /** A variable that an earlier operation saved. */
  | readonly ["saved", number]
  /** Id of the context whose callback runs. */
  | readonly ["context"]
  | readonly ["root"]
  /** Id of the newest stream context. */
  | readonly ["stream"];

/** UTF-8 text, bytes in hex, or anything. */
export type TextValue = string | readonly ["hex", string] | null;

export interface Operation {
  readonly call: string;
  readonly args: readonly Arg[];
  /** The status it must answer; a list = any of these; absent = not looked at. */
  readonly gives?: number | readonly number[];
  /** Words of the arena it must have written, by byte offset; null = any value. Nothing else may be written. */
  readonly words?: Readonly<Record<number, number | null>>;
  /** What the pointer and size at 8 * i must lead to; null = anything. "" = pointer and size are 0. */
  readonly texts?: Readonly<Record<number, TextValue>>;
  /** Keep the arena's word at `from` as variable `as`. */
  readonly save?: { readonly from: number; readonly as: number };
}

/** What one callback does. */
export interface Section {
  readonly at: CallbackName;
  /** Only on its nth run; 0 = on each. */
  readonly nth?: number;
  /** What the callback answers. Default: continue, or true. */
  readonly returns?: number;
  readonly does: readonly Operation[];
}

/** `on("request_headers", [call(...)], 1)` */
export const on = (at: CallbackName, does: readonly Operation[], returns?: number): Section => ({
  at,
  does,
  ...(returns === undefined ? {} : { returns }),
});
export const onNth = (at: CallbackName, nth: number, does: readonly Operation[], returns?: number): Section => ({
  ...on(at, does, returns),
  nth,
});

/** Results of a call: a status alone means that nothing may have been written. */
export type Results = Pick<Operation, "words" | "texts" | "save">;
export const call = (
  name: string,
  args: readonly Arg[],
  gives?: number | readonly number[],
  results: Results = {},
): Operation => ({ call: name, args, ...(gives === undefined ? {} : { gives }), ...results });

export const text = (value: string): Arg => ["text", value];
export const hex = (value: string): Arg => ["hex", value];
export const bytes = (...values: number[]): Arg => ["hex", Buffer.from(values).toString("hex")];
export const pairs = (...list: readonly (readonly [string, string])[]): Arg => ["pairs", list];
export const out = (offset = 0): Arg => ["out", offset];
export const end = (offset = 0): Arg => ["end", offset];
export const saved = (variable: number): Arg => ["saved", variable];
export const CONTEXT: Arg = ["context"];
export const ROOT: Arg = ["root"];
export const STREAM: Arg = ["stream"];
export const NOTHING: readonly Arg[] = [0, 0];
/** The two addresses of an output text: words 2i and 2i + 1 of the arena. */
export const outText = (i = 0): readonly Arg[] => [out(8 * i), out(8 * i + 4)];

const KIND = { number: 0, data: 1, out: 2, saved: 3, context: 4, root: 5, end: 6, stream: 7 } as const;
const SECTION_BYTES = 20;
export const MAX_ARGS = 12;
const OPERATION_BYTES = 16 + MAX_ARGS * 8;
/** What the guests have room for. */
export const MAX_SCRIPT_BYTES = 16 * 1024;

/** Lays scripts out: sections, operations, then the bytes that arguments point to. Offsets count from the start. */
class Layout {
  readonly #data: Buffer[] = [];
  readonly #known = new Map<string, number>();
  #end: number;

  constructor(dataAt: number) {
    this.#end = dataAt;
  }

  get data(): Buffer {
    return Buffer.concat(this.#data);
  }

  place(content: Buffer): number {
    const key = content.toString("latin1");
    const known = this.#known.get(key);
    if (known !== undefined) return known;
    this.#known.set(key, this.#end);
    // Words stay aligned; a byte behind keeps an empty content inside the script.
    const padded = Buffer.alloc((content.length + 4) & ~3);
    content.copy(padded);
    const at = this.#end;
    this.#data.push(padded);
    this.#end += padded.length;
    return at;
  }
}

function places(arg: Arg, layout: Layout): [kind: number, value: number][] {
  if (typeof arg === "number") return [[KIND.number, arg]];
  const [kind, value] = arg;
  const content = (given: Buffer): [number, number][] => [
    [KIND.data, layout.place(given)],
    [KIND.number, given.length],
  ];
  switch (kind) {
    case "text":
      return content(Buffer.from(value));
    case "hex":
      return content(Buffer.from(value, "hex"));
    case "pairs":
      return content(encodePairs(value.flat()));
    case "at":
      return [[KIND.data, layout.place(Buffer.from(value, "hex")) + (arg[2] ?? 0)]];
    case "context":
    case "root":
    case "stream":
      return [[KIND[kind], 0]];
    default:
      return [[KIND[kind], value]];
  }
}

/** The script in its binary form. @throws when it is larger than the guests allow */
export function encodeScript(sections: readonly Section[]): Buffer {
  const count = sections.reduce((sum, { does }) => sum + does.length, 0);
  const operationsAt = 4 + sections.length * SECTION_BYTES;
  const layout = new Layout(operationsAt + count * OPERATION_BYTES);
  const head = Buffer.alloc(operationsAt);
  head.writeUInt32LE(sections.length, 0);
  const operations: Buffer[] = [];
  for (const [at, { at: callback, nth = 0, returns, does }] of sections.entries()) {
    const place = operationsAt + operations.length * OPERATION_BYTES;
    const words = [CALLBACKS.indexOf(callback), nth, (returns ?? defaultOf(callback)) >>> 0, place, does.length];
    for (const [index, word] of words.entries()) head.writeUInt32LE(word, 4 + at * SECTION_BYTES + index * 4);
    operations.push(...does.map((one) => encodeOperation(one, layout)));
  }
  const script = Buffer.concat([head, ...operations, layout.data]);
  if (script.length > MAX_SCRIPT_BYTES) throw new Error(`a script of ${script.length} bytes; ${MAX_SCRIPT_BYTES} fit`);
  return script;
}

const ANSWERS_TRUE: ReadonlySet<CallbackName> = new Set(["vm_start", "validate", "configure", "done", "root_done"]);
const defaultOf = (callback: CallbackName): number => (ANSWERS_TRUE.has(callback) ? 1 : 0);

function encodeOperation({ call: name, args, texts = {}, save }: Operation, layout: Layout): Buffer {
  const list = args.flatMap((arg) => places(arg, layout));
  if (list.length > MAX_ARGS) throw new Error(`${name} with ${list.length} arguments`);
  const mask = Object.keys(texts).reduce((sum, at) => sum | (1 << Number(at)), 0);
  const encoded = Buffer.alloc(OPERATION_BYTES);
  const head = [numberOf(name), mask, (save?.from ?? -1) >>> 0, save?.as ?? 0];
  for (const [at, word] of head.entries()) encoded.writeUInt32LE(word, at * 4);
  for (const [at, [kind, value]] of list.entries()) {
    encoded.writeUInt32LE(kind, 16 + at * 8);
    encoded.writeUInt32LE(value >>> 0, 20 + at * 8);
  }
  return encoded;
}

/** As the header `x-script` carries it. */
export const scriptText = (sections: readonly Section[]): string => encodeScript(sections).toString("hex");
/** As a plugin configuration. Guests skip the first eleven bytes and the last two. */
export const scriptConfig = (sections: readonly Section[]): string => `{"script":"${scriptText(sections)}"}`;
