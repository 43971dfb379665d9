// package.json of the two published packages, derived from those of the repository: what runs from source here points to
// emitted JavaScript there, and what only a checkout needs (scripts, workspaces, the Node binary) stays behind.
export interface Manifest {
  readonly [key: string]: unknown;
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
}

const KEPT = ["name", "version", "description", "license", "bin", "type", "engines"] as const;
/** What compiling a filter and reading a README need; the proxy itself has them as well. */
const SDK_DEPENDENCIES = ["@jridgewell/trace-mapping", "assemblyscript", "yaml"];

const door = (path: string) => ({ types: `./${path}.d.ts`, default: `./${path}.js` });

function kept(manifest: Manifest): Record<string, unknown> {
  return Object.fromEntries(KEPT.flatMap((key) => (key in manifest ? [[key, manifest[key]]] : [])));
}

/** `sluice`: the proxy, its command line, and the machinery of the testing kit. */
export function sluiceManifest(root: Manifest, sdk: Manifest): object {
  return {
    ...kept(root),
    exports: {
      ".": door("host/index"),
      "./testing": door("host/testing"),
      "./schema/*.json": "./schema/*.json",
      "./package.json": "./package.json",
    },
    dependencies: { ...root.dependencies, [sdk.name]: sdk.version },
  };
}

/** `@sluice/sdk`: the guest's sources for asc, the build tool and the testing kit for Node. */
export function sdkManifest(sdk: Manifest, root: Manifest): object {
  const pinned = SDK_DEPENDENCIES.map((name) => [name, root.dependencies?.[name]]);
  return {
    ...kept(sdk),
    engines: root["engines"],
    exports: {
      "./build": door("build/index"),
      "./build/transform": door("build/transform"),
      "./testing": door("testing/index"),
      "./testing/vitest": door("testing/vitest"),
      "./abi/*": door("assembly/abi/*"),
      "./package.json": "./package.json",
    },
    dependencies: Object.fromEntries(pinned),
    peerDependencies: { sluice: root.version, vitest: ">=3" },
    peerDependenciesMeta: { sluice: { optional: true }, vitest: { optional: true } },
  };
}
