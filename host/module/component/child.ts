// The process that holds jco: it is large (200 MB), and one panic of its tools spoils all that comes after. Started by
// jco.ts with `fork`, one job at a time; ends with its parent.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { ComponentAnswer, ComponentAsk, ComponentJob, Transpiled } from "./transpiled.ts";

process.on("message", (ask: ComponentAsk) => void answer(ask));
process.on("disconnect", () => process.exit(0));

async function answer({ id, job }: ComponentAsk): Promise<void> {
  let outcome: Omit<ComponentAnswer, "id">;
  try {
    outcome = await run(job);
  } catch (error) {
    outcome = { failure: error instanceof Error ? error.message : String(error) };
  }
  process.send?.({ id, ...outcome } satisfies ComponentAnswer);
}

async function run(job: ComponentJob): Promise<Omit<ComponentAnswer, "id">> {
  switch (job.kind) {
    case "transpile":
      return { transpiled: await transpile(job.bytes) };
    case "embed":
      return { component: await embed(job) };
    case "javascript":
      return { component: await fromJavaScript(job) };
    case "wrap":
      return { component: await wrap(job) };
  }
}

type JobOf<K extends ComponentJob["kind"]> = Extract<ComponentJob, { kind: K }>;

async function embed({ bytes, world, encoding }: JobOf<"embed">): Promise<Uint8Array> {
  const { componentEmbed, componentNew } = await import("@bytecodealliance/jco-transpile/wasm-tools");
  const options = { binary: bytes, witSource: world.wit, world: world.name, stringEncoding: encoding };
  return componentNew(await componentEmbed(options), []);
}

async function wrap({ bytes, adapters }: JobOf<"wrap">): Promise<Uint8Array> {
  const { parse, componentEmbed, componentNew } = await import("@bytecodealliance/jco-transpile/wasm-tools");
  const embedded: [string, Uint8Array][] = [];
  for (const { name, wat, world } of adapters) {
    const binary = await parse(wat);
    embedded.push([name, await componentEmbed({ binary, witSource: world.wit, world: world.name })]);
  }
  return componentNew(bytes, embedded);
}

async function fromJavaScript({ source, world }: JobOf<"javascript">): Promise<Uint8Array> {
  const { componentize } = await import("componentize-qjs");
  const folder = await mkdtemp(join(tmpdir(), "sluice-wit-"));
  try {
    const witPath = join(folder, "world.wit");
    await writeFile(witPath, world.wit);
    const options = { witPath, world: world.name, jsSource: source, stubWasi: true, sync: true };
    return (await componentize(options)).component;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function transpile(bytes: Uint8Array): Promise<Transpiled> {
  const [{ transpileBytes }, { componentWit }] = await Promise.all([
    import("@bytecodealliance/jco-transpile"),
    import("@bytecodealliance/jco-transpile/wasm-tools"),
  ]);
  // First: names that cannot be written in WIT never reach the generator.
  const wit = await componentWit(bytes);
  const { files } = await transpileBytes(bytes, {
    name: "c",
    instantiation: "sync",
    wasiShim: false,
    minify: true,
    base64Cutoff: 0,
  });
  const types: Record<string, string> = {};
  const cores: [string, Uint8Array][] = [];
  let glue = "";
  for (const [name, content] of filesOf(files)) {
    const text = (): string => (typeof content === "string" ? content : Buffer.from(content).toString("utf8"));
    if (name === "c.js") glue = text();
    else if (name.endsWith(".d.ts")) types[name] = text();
    else if (name.endsWith(".wasm")) cores.push([name, content as Uint8Array]);
  }
  return { wit, types, glue, cores };
}

type Files = ReadonlyMap<string, string | Uint8Array> | Readonly<Record<string, string | Uint8Array>>;

const filesOf = (files: unknown): Iterable<[string, string | Uint8Array]> =>
  files instanceof Map ? (files as Map<string, string | Uint8Array>) : Object.entries(files as Files);
