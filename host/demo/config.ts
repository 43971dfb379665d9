// The demo's configuration: made as text, so that the demo walks the same road as everybody's config file.
import { join } from "node:path";

export interface DemoConfigOptions {
  /** Upstream name -> port. */
  readonly ports: Readonly<Record<string, number>>;
  /** Of the proxy; 0 = any free one. */
  readonly port: number;
  readonly adminPort: number;
  /** The package's folder, which holds filters/. */
  readonly root: string;
}

/** The four filters of the demo, in chain order, and what they are given. */
const DEMO_FILTERS: readonly (readonly [name: string, pluginConfig: object])[] = [
  ["header-mutation", { responseMutations: [{ action: "overwrite", header: "x-served-by", value: "sluice" }] }],
  ["rate-limit", { rate: "2/s", burst: 4, key: "header:x-user-id" }],
  ["fault", { delay: { fixed: "100ms", percent: 5 }, abort: { status: 503, percent: 1 }, headerMode: true }],
  [
    "gray",
    {
      rules: [
        { name: "staff", match: { headers: { "x-user-id": { in: ["user-1", "user-2"] } } }, tag: "next" },
        { name: "some", match: { prefix: "/orders" }, percent: 10, key: "header:x-user-id", tag: "next" },
      ],
      defaultTag: "stable",
    },
  ],
];

const cluster = (name: string, port: number): object => ({ name, endpoints: [{ address: `127.0.0.1:${port}` }] });

function filter(name: string, pluginConfig: object): object {
  return { name, source: `./filters/${name}/assembly/index.ts`, pluginConfig };
}

/** Text and path to load it under: sources are relative to the package. */
export function demoConfig(options: DemoConfigOptions): { readonly text: string; readonly path: string } {
  const config = {
    apiVersion: "sluice.dev/v1alpha1",
    admin: { address: `127.0.0.1:${options.adminPort}` },
    drainTimeout: "2s",
    stateDir: "./.sluice/demo",
    listeners: [
      {
        name: "demo",
        address: `127.0.0.1:${options.port}`,
        armHeader: "x-sluice-arms",
        filters: DEMO_FILTERS.map(([name]) => name),
        routes: [
          {
            name: "orders-next",
            match: { prefix: "/orders", headers: { "x-gray-tag": { exact: "next" } } },
            route: { cluster: "orders-next" },
            timeout: "2s",
          },
          { name: "orders", match: { prefix: "/orders" }, route: { cluster: "orders" }, timeout: "2s" },
          { name: "web", match: { prefix: "/" }, route: { cluster: "web" } },
        ],
      },
    ],
    clusters: Object.entries(options.ports).map(([name, port]) => cluster(name, port)),
    filters: DEMO_FILTERS.map(([name, pluginConfig]) => filter(name, pluginConfig)),
  };
  return { text: `${JSON.stringify(config, null, 2)}\n`, path: join(options.root, "demo.yaml") };
}
