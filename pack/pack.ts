// `npm run pack`: the two packages as they would be published, staged under build/pack and packed by `npm pack` into
// build/pack/*.tgz. Node does not strip types below node_modules, so what Node runs is emitted as JavaScript first; what
// asc compiles stays as it is.
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Manifest, sdkManifest, sluiceManifest } from "./manifests.ts";
import { toPublished } from "./specifiers.ts";

const ROOT = join(import.meta.dirname, "..");

const readManifest = (path: string): Manifest => JSON.parse(readFileSync(join(ROOT, path), "utf8")) as Manifest;
const filesIn = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

function emit(folder: string): void {
  const tsc = join(ROOT, "node_modules/typescript/bin/tsc");
  execFileSync(process.execPath, [tsc, "-p", "tsconfig.build.json", "--outDir", folder], {
    cwd: ROOT,
    stdio: "inherit",
  });
}

/** Emitted files of one top folder into a stage, with the specifiers that a neighbour needs. */
function moveEmitted(from: string, to: string, own: "host" | "sdk"): void {
  for (const file of filesIn(from)) {
    const target = join(to, file.slice(from.length + 1));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, toPublished(readFileSync(file, "utf8"), own));
  }
}

function stageSluice(emitted: string, stage: string, manifest: object): void {
  moveEmitted(join(emitted, "host"), join(stage, "host"), "host");
  for (const name of ["bin", "schema", "LICENSE", "README.md"])
    cpSync(join(ROOT, name), join(stage, name), { recursive: true });
  // The demo's filters are compiled at its start, from source.
  const isSource = (path: string): boolean => !/\.test\.ts$|\/build$/.test(path);
  cpSync(join(ROOT, "filters"), join(stage, "filters"), { recursive: true, filter: isSource });
  writeManifest(stage, manifest);
}

function stageSdk(emitted: string, stage: string, manifest: object): void {
  for (const name of readdirSync(join(ROOT, "sdk"))) {
    if (["build", "testing", "package.json", "node_modules"].includes(name)) continue;
    cpSync(join(ROOT, "sdk", name), join(stage, name), { recursive: true });
  }
  moveEmitted(join(emitted, "sdk"), stage, "sdk");
  cpSync(join(ROOT, "LICENSE"), join(stage, "LICENSE"));
  writeManifest(stage, manifest);
}

function writeManifest(stage: string, manifest: object): void {
  writeFileSync(join(stage, "package.json"), `${JSON.stringify(manifest, null, 2)}\n`);
}

function npmPack(stage: string, folder: string): string {
  const npm = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder, stage];
  const [packed] = JSON.parse(execFileSync("npm", npm, { encoding: "utf8" })) as { filename: string }[];
  if (packed === undefined) throw new Error(`npm pack said nothing of ${stage}`);
  return join(folder, packed.filename.replace("@", "").replace("/", "-"));
}

export interface Packed {
  /** Absolute paths of the tarballs. */
  readonly sluice: string;
  readonly sdk: string;
}

/** Packs both into `folder`, whose content is replaced. */
export function packAll(folder: string): Packed {
  rmSync(folder, { recursive: true, force: true });
  const [emitted, sluice, sdk] = ["emitted", "sluice", "sdk"].map((name) => join(folder, name)) as [
    string,
    string,
    string,
  ];
  for (const stage of [sluice, sdk]) mkdirSync(stage, { recursive: true });
  emit(emitted);
  const [root, own] = [readManifest("package.json"), readManifest("sdk/package.json")];
  stageSluice(emitted, sluice, sluiceManifest(root, own));
  stageSdk(emitted, sdk, sdkManifest(own, root));
  return { sluice: npmPack(sluice, folder), sdk: npmPack(sdk, folder) };
}

if (import.meta.main) {
  const { sluice, sdk } = packAll(join(ROOT, "build/pack"));
  process.stdout.write(`${sluice}\n${sdk}\n`);
}
