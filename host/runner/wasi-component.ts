// WASI 0.2 for components that the runner starts: the shim of jco with nothing of this machine but what was granted. Its
// defaults would be the whole file system and this process's environment; none of them is used.
import type { ComponentImports } from "../vm/component/link.ts";
import { problemError } from "../base/problem.ts";
import { grant, guard, type DescriptorClass } from "./guarded-folders.ts";
import { GuestExit, type Grants } from "./grants.ts";

type Functions = Readonly<Record<string, (...args: never[]) => unknown>>;

/** What is used of the shim, which has no types of its own for it. */
interface Shim {
  readonly cli: Readonly<Record<string, Functions>>;
  readonly io: Readonly<Record<string, Functions>>;
  readonly clocks: Readonly<Record<string, Functions>>;
  readonly random: Readonly<Record<string, Functions>>;
  readonly http: Readonly<Record<string, unknown>>;
  readonly filesystem: {
    readonly types: Functions & { readonly Descriptor: DescriptorClass };
    readonly _createPreopenDescriptor: (host: string) => object;
  };
}

let loaded: Shim | null = null;

/** @throws ProblemError when it is not installed */
export async function loadShim(): Promise<Shim> {
  if (loaded !== null) return loaded;
  try {
    loaded = (await import("@bytecodealliance/preview2-shim")) as unknown as Shim;
  } catch (error) {
    throw problemError("state", "package_missing", "WASI 0.2 needs @bytecodealliance/preview2-shim", {
      hint: `npm install @bytecodealliance/preview2-shim@0.26.0 (${error instanceof Error ? error.message : String(error)})`,
    });
  }
  guard(loaded.filesystem.types.Descriptor);
  return loaded;
}

/** Imports by interface, without versions and with those of WASI 0.2. */
export async function wasiImports(grants: Grants): Promise<ComponentImports> {
  const { cli, io, clocks, random, http, filesystem } = await loadShim();
  const directories = grants.folders.map((folder) => {
    const descriptor = filesystem._createPreopenDescriptor(folder.host);
    grant(descriptor, folder);
    return [descriptor, folder.guest];
  });
  const own: Record<string, unknown> = {
    "wasi:cli/environment": {
      getEnvironment: () => Object.entries(grants.env),
      getArguments: () => [...grants.args],
      initialCwd: () => grants.folders[0]?.guest,
    },
    "wasi:cli/exit": {
      exit: (status: { readonly tag: string }): never => exit(status.tag === "err" ? 1 : 0),
      exitWithCode: (code: number): never => exit(code),
    },
    "wasi:filesystem/preopens": { getDirectories: () => directories },
    "wasi:filesystem/types": filesystem.types,
    "wasi:http/types": http["types"],
  };
  for (const name of ["stdin", "stdout", "stderr"]) own[`wasi:cli/${name}`] = cli[name];
  for (const name of ["Input", "Output", "Stdin", "Stdout", "Stderr"])
    own[`wasi:cli/terminal-${name.toLowerCase()}`] = cli[`terminal${name}`];
  for (const name of ["error", "poll", "streams"]) own[`wasi:io/${name}`] = io[name];
  Object.assign(own, {
    "wasi:clocks/monotonic-clock": clocks["monotonicClock"],
    "wasi:clocks/wall-clock": clocks["wallClock"],
    "wasi:random/random": random["random"],
    "wasi:random/insecure": random["insecure"],
    "wasi:random/insecure-seed": random["insecureSeed"],
  });
  const versions = Array.from({ length: 13 }, (_, patch) => `@0.2.${patch}`);
  const all = Object.entries(own).flatMap(([name, functions]) =>
    ["", ...versions].map((version) => [`${name}${version}`, functions] as const),
  );
  return Object.fromEntries(all) as ComponentImports;
}

function exit(code: number): never {
  throw new GuestExit(code);
}
