// What a guest writes to its WASI outputs, as log lines: pieces are kept until a newline comes, or until the callback ends
// (abi.md 12). Each write that ends lines is one entry.
import * as level from "../../sdk/assembly/abi/log-level.ts";
import { MAX_LOG_BYTES } from "../abi/limits.ts";

const NEWLINE = 10;

export class OutputLines {
  readonly #log: (level: number, text: string) => void;
  /** Unfinished bytes by level; bytes, because a piece may end inside a character. */
  readonly #pending = new Map<number, Buffer>();

  constructor(log: (level: number, text: string) => void) {
    this.#log = log;
  }

  get isEmpty(): boolean {
    return this.#pending.size === 0;
  }

  write(to: "stdout" | "stderr", bytes: Buffer): void {
    const at = to === "stdout" ? level.INFO : level.ERROR;
    const before = this.#pending.get(at);
    const all = before === undefined ? bytes : Buffer.concat([before, bytes]);
    const end = all.lastIndexOf(NEWLINE);
    if (end >= 0) this.#log(at, all.toString("utf8", 0, end));
    const rest = all.subarray(end + 1);
    this.#pending.delete(at);
    if (rest.length > MAX_LOG_BYTES) this.#log(at, rest.toString("utf8"));
    else if (rest.length > 0) this.#pending.set(at, rest);
  }

  flush(): void {
    for (const [at, rest] of this.#pending) this.#log(at, rest.toString("utf8"));
    this.#pending.clear();
  }
}
