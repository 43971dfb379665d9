// Components for tests, made of examples/components by the product's own means and kept beside the dependencies, since
// QuickJS and jco take seconds. Also components in text, for what no tool would write.
import { execFile } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { Harness, type HarnessOptions } from "../../host/testing/harness.ts";
import { componentizeCore, componentizeScript } from "../../host/module/component/componentize.ts";
import { Jco } from "../../host/module/component/jco.ts";
import type { Transpiled } from "../../host/module/component/transpiled.ts";

export const ROOT = resolve(import.meta.dirname, "../..");
const CACHE = join(ROOT, "node_modules/.cache/sluice-components");
const EXAMPLES = join(ROOT, "examples/components");
export const WIT = readFileSync(join(ROOT, "sdk/wit/sluice-filter.wit"), "utf8");

export const newJco = (): Jco => new Jco({ cacheDir: CACHE });

async function kept(key: string, make: () => Promise<Uint8Array>): Promise<Uint8Array> {
  const path = join(CACHE, `${createHash("sha256").update(key).digest("hex")}.wasm`);
  try {
    return new Uint8Array(readFileSync(path));
  } catch {
    const made = await make();
    mkdirSync(CACHE, { recursive: true });
    writeFileSync(`${path}.${process.pid}`, made);
    renameSync(`${path}.${process.pid}`, path);
    return made;
  }
}

/** examples/components/tag.js, or other JavaScript. */
export async function scriptComponent(jco: Jco, source = readFileSync(join(EXAMPLES, "tag.js"), "utf8")) {
  return kept(`js ${WIT} ${source}`, () => componentizeScript(source, { file: "tag.js", wit: WIT, jco }));
}

/** The core module of examples/components/count.ts. */
export async function countCore(): Promise<Uint8Array> {
  const source = readFileSync(join(EXAMPLES, "count.ts"), "utf8");
  return kept(`as ${source}`, async () => {
    const out = join(CACHE, `count-${process.pid}.wasm`);
    mkdirSync(CACHE, { recursive: true });
    const asc = join(ROOT, "node_modules/assemblyscript/bin/asc.js");
    const flags = ["-O3", "--runtime", "incremental", "--use", "abort="];
    // Not in the root, whose asconfig.json is for proxy-wasm filters.
    await promisify(execFile)(process.execPath, [asc, "count.ts", "-o", out, ...flags], { cwd: EXAMPLES });
    return new Uint8Array(readFileSync(out));
  });
}

export async function countComponent(jco: Jco): Promise<Uint8Array> {
  const core = await countCore();
  return kept(`count ${WIT} ${createHash("sha256").update(core).digest("hex")}`, () =>
    componentizeCore(core, "utf16", { file: "count.core.wasm", wit: WIT, jco }),
  );
}

/** A component written as text. */
export async function parseWat(wat: string): Promise<Uint8Array> {
  const { parse } = await import("@bytecodealliance/jco-transpile/wasm-tools");
  return parse(wat);
}

export interface Loaded {
  readonly wasm: Uint8Array;
  readonly transpiled: Transpiled;
}

export const takeApart = async (jco: Jco, wasm: Uint8Array): Promise<Loaded> => ({
  wasm,
  transpiled: await jco.transpile(wasm, "filter under test"),
});

type Options = NonNullable<Parameters<typeof toFilter>[2]>;

const toFilter = (
  name: string,
  { wasm, transpiled }: Loaded,
  more: { config?: unknown; options?: ConstructorParameters<typeof Harness>[0][number]["options"] } = {},
) => ({
  name,
  wasm,
  transpiled,
  config: more.config,
  ...(more.options === undefined ? {} : { options: more.options }),
});

export const harnessOf = (loaded: Loaded, more: Options = {}, options: HarnessOptions = {}): Harness =>
  new Harness([toFilter("part", loaded, more)], options);
