// A test guest whose exports are called directly, with texts: for the pure parts of the SDK.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { instantiate } from "@assemblyscript/loader";
import { createMemoryStream, main } from "assemblyscript/asc";
import { guestEntry } from "./guest-kit.ts";

const ROOT = join(import.meta.dirname, "../..");

interface Loaded extends Record<string, unknown> {
  __newString(text: string): number;
  __getString(pointer: number): string;
  __pin(pointer: number): number;
  __unpin(pointer: number): void;
  __collect(): void;
}

export class WhiteBox {
  readonly exports: Loaded;

  private constructor(exports: Loaded) {
    this.exports = exports;
  }

  /** Compiles test/unit/sdk/guest/<name>. */
  static async of(name: string): Promise<WhiteBox> {
    const outputs = new Map<string, Uint8Array>();
    const { error, stderr } = await main(
      [guestEntry(name).slice(ROOT.length + 1), "--baseDir", ROOT, "--target", "test", "--outFile", "o.wasm"],
      {
        stderr: createMemoryStream(),
        readFile: (file, folder) => readText(join(folder, file)),
        writeFile: (file, content) => void outputs.set(file, content as Uint8Array),
        listFiles: () => [],
      },
    );
    if (error !== null) throw new Error(String(stderr));
    const wasm = outputs.get("o.wasm") ?? new Uint8Array();
    const env = Object.fromEntries(
      WebAssembly.Module.imports(new WebAssembly.Module(wasm)).map(({ name }) => [name, () => 0]),
    );
    const { exports } = (await instantiate(wasm as never, { env })) as unknown as { exports: Loaded };
    (exports["_initialize"] as () => void)();
    return new WhiteBox(exports);
  }

  ask<T>(name: string, ...texts: string[]): T {
    const { exports: box } = this;
    const pointers = texts.map((text) => box.__pin(box.__newString(text)));
    const answer = (box[name] as (...args: number[]) => T)(...pointers);
    for (const pointer of pointers) box.__unpin(pointer);
    return answer;
  }

  askText(name: string, ...texts: string[]): string {
    return this.exports.__getString(this.ask<number>(name, ...texts));
  }
}

/** Reproducible randomness (mulberry32): a whole number below. */
export function generator(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296) * below);
  };
}

function readText(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
