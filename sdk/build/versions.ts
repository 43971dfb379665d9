// Who builds: versions of the SDK and of asc, and a stamp over the build tool's own code. All three belong to the cache
// key. Read from package.json files: importing asc would cost a second, which a cache hit must not.
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

export interface Versions {
  readonly sdk: string;
  readonly asc: string;
  /** sha256 over the sources of this folder. */
  readonly tool: string;
}

/** What the SDK is written for; its transforms depend on asc's insides. */
export const ASC_VERSION = "0.28.20";

let known: Versions | null = null;

/** Read once per process. @throws when asc is not installed */
export function versions(): Versions {
  return (known ??= {
    sdk: versionIn(join(import.meta.dirname, "../package.json")),
    asc: versionIn(createRequire(import.meta.url).resolve("assemblyscript/package.json")),
    tool: stamp(),
  });
}

function versionIn(file: string): string {
  const { version } = JSON.parse(readFileSync(file, "utf8")) as { version: string };
  return version;
}

function stamp(): string {
  const hash = createHash("sha256");
  const names = readdirSync(import.meta.dirname, { recursive: true, encoding: "utf8" }).sort();
  for (const name of names.filter((one) => /\.(ts|js)$/.test(one))) {
    hash.update(name).update("\0").update(readFileSync(join(import.meta.dirname, name))).update("\0");
  }
  return hash.digest("hex");
}
