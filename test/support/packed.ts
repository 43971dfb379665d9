// The two packages as an author gets them: packed by npm and installed into a folder outside this repository. With a
// registry `npm install` fetches what they depend on; without one the tarballs are unpacked and the rest is lent from this
// checkout's node_modules, which tests everything but npm's own resolution. SLUICE_REGISTRY=required forbids the latter.
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, dirname, join, resolve } from "node:path";
import { type Packed, packAll } from "../../pack/pack.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const VERSIONS = (
  JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { devDependencies: Record<string, string> }
).devDependencies;
const UNREACHABLE = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH|ENOTCACHED/;
const QUIET = ["--no-audit", "--no-fund", "--prefer-offline"];

/** A folder outside the repository, with nothing but an own package.json in it. */
export class Outside {
  readonly folder: string;
  readonly packed: Packed;
  /** How the packages came: `linked` = no registry answered. */
  how: "registry" | "linked" = "registry";

  constructor() {
    this.packed = packAll(mkdtempSync(join(tmpdir(), "sluice-packed-")));
    this.folder = mkdtempSync(join(tmpdir(), "sluice-outside-"));
    writeFileSync(join(this.folder, "package.json"), '{ "name": "shop", "private": true }\n');
  }

  /** A command on this Node, in the folder. */
  run(command: string, ...args: readonly string[]): SpawnSyncReturns<string> {
    return spawnSync(command, args, { cwd: this.folder, env: this.env, encoding: "utf8" });
  }

  /** The tests' own settings must not reach a project's. */
  get env(): NodeJS.ProcessEnv {
    const inherited = Object.entries(process.env).filter(
      ([name]) => !/^(VITEST|npm_|NODE_ENV|SLUICE_PROFILE)/.test(name),
    );
    const path = [dirname(process.execPath), process.env["PATH"]].join(delimiter);
    return { ...Object.fromEntries(inherited), PATH: path, NO_COLOR: "1" };
  }

  /** Installs the tarballs as development dependencies, or optional packages in this checkout's versions. */
  install(...packages: readonly string[]): void {
    const { sdk, sluice } = this.packed;
    const wanted = packages.length === 0 ? [sluice, sdk] : packages.map((name) => `${name}@${VERSIONS[name]}`);
    this.#npmInstall(["--save-dev", ...wanted], () => this.#link());
  }

  /** Installs what package.json has been given since. */
  installMore(): void {
    if (this.how === "registry") this.#npmInstall([], () => this.#link());
  }

  #npmInstall(args: readonly string[], otherwise: () => void): void {
    const { status, stdout, stderr } = this.run("npm", "install", ...QUIET, ...args);
    if (status === 0) return;
    if (!UNREACHABLE.test(stderr) || process.env["SLUICE_REGISTRY"] === "required")
      throw new Error(`npm install failed:\n${stdout}${stderr}`);
    process.stderr.write("no registry answers: the tarballs are unpacked, other packages lent from this checkout\n");
    this.how = "linked";
    otherwise();
  }

  #link(): void {
    const own = join(this.folder, "node_modules");
    mkdirSync(join(own, "@sluice"), { recursive: true });
    mkdirSync(join(own, ".bin"), { recursive: true });
    for (const name of readdirSync(join(ROOT, "node_modules")))
      if (!name.startsWith(".") && name !== "@sluice") symlinkSync(join(ROOT, "node_modules", name), join(own, name));
    for (const [name, tarball] of [
      ["sluice", this.packed.sluice],
      ["@sluice/sdk", this.packed.sdk],
    ] as const) {
      mkdirSync(join(own, name));
      const { status, stderr } = this.run("tar", "-xzf", tarball, "-C", join(own, name), "--strip-components=1");
      if (status !== 0) throw new Error(`tar: ${stderr}`);
    }
    symlinkSync("../sluice/bin/sluice.js", join(own, ".bin/sluice"));
    symlinkSync("../vitest/vitest.mjs", join(own, ".bin/vitest"));
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
    rmSync(dirname(this.packed.sdk), { recursive: true, force: true });
  }
}
