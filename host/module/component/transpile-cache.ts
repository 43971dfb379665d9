// Taken apart components on disk, by the digest of the original and the version of jco. One file each, written under
// another name and renamed; several processes may share the folder.
import { randomUUID } from "node:crypto";
import { readFileSync } from "node:fs";
import { mkdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import { sha256Hex } from "../../base/hash.ts";
import type { Transpiled } from "./transpiled.ts";

/** Change it with every change of how the child asks jco, or of {@link Transpiled}. */
const FORMAT = 1;

export class TranspileCache {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  #path(bytes: Uint8Array, version: string): string {
    return join(this.#folder, `component-${sha256Hex(`${FORMAT} ${version} ${sha256Hex(bytes)}`)}.bin`);
  }

  /** Anything unreadable is a miss. */
  find(bytes: Uint8Array, version: string): Transpiled | null {
    try {
      return deserialize(readFileSync(this.#path(bytes, version))) as Transpiled;
    } catch {
      return null;
    }
  }

  async keep(bytes: Uint8Array, version: string, transpiled: Transpiled): Promise<void> {
    await mkdir(this.#folder, { recursive: true });
    const path = this.#path(bytes, version);
    const temporary = `${path}.${randomUUID()}`;
    await writeFile(temporary, serialize(transpiled));
    await rename(temporary, path);
  }
}
