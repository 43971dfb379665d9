// What a socket plane loads into its proxy for a case: the filter as the case wants it configured. Cases that want nothing
// special share one configuration, so one filter instance serves them all, one after another.
import { sha256Hex } from "../../../host/base/hash.ts";
import type { Case, CaseSetup } from "../case.ts";
import { scriptConfig, scriptText, type Section } from "../script.ts";

/** Where the proxy's peers are. */
export interface Places {
  readonly web: number;
  readonly tcp: number;
  readonly isHttp2: boolean;
}

/** A name of its own for each form of a guest. */
export const moduleFile = ({ variant }: Pick<Case, "variant">): string =>
  `${sha256Hex(Buffer.from(JSON.stringify(variant ?? {}))).slice(0, 16)}.wasm`;

function filterOf(name: string, script: readonly Section[], one: Case): Record<string, unknown> {
  const { delivery = "header" } = one;
  return {
    name,
    source: `./${moduleFile(one)}`,
    ...settingsOf(one.setup ?? {}),
    ...(delivery === "configuration" ? { pluginConfig: scriptConfig(script) } : {}),
    ...(delivery === "environment" ? { environment: { SCRIPT: scriptText(script) } } : {}),
    // Two equal filters would be one version, hence one VM; and faults count against a version.
    ...(one.fresh === true || one.expect?.fault !== undefined ? { priority: numberOf(one.id) } : {}),
  };
}

const numberOf = (id: string): number => Number.parseInt(sha256Hex(Buffer.from(id)).slice(0, 6), 16);

function settingsOf(setup: CaseSetup): Record<string, unknown> {
  const { bufferLimitBytes, pauseTimeoutMs, memoryBytes, fuel, ...same } = setup;
  const limits = {
    ...(memoryBytes === undefined ? {} : { memory: `${memoryBytes}B` }),
    ...(fuel === undefined ? {} : { fuel }),
  };
  return {
    ...same,
    ...(bufferLimitBytes === undefined ? {} : { bufferLimit: `${bufferLimitBytes}B` }),
    ...(pauseTimeoutMs === undefined ? {} : { pauseTimeout: `${pauseTimeoutMs}ms` }),
    ...(Object.keys(limits).length === 0 ? {} : { limits }),
  };
}

/** The whole configuration as an object. */
export function configFor(one: Case, { web, tcp, isHttp2 }: Places): Record<string, unknown> {
  const filters = [filterOf("first", one.script, one)];
  if (one.second !== undefined) filters.push(filterOf("second", one.second, one));
  const chain = filters.map(({ name }) => name);
  return {
    admin: false,
    workers: 1,
    drainTimeout: "3s",
    telemetry: { log: { level: "trace" } },
    filters,
    listeners: [
      {
        name: "public",
        address: "127.0.0.1:0",
        filters: one.connection === undefined ? chain : [],
        routes: [{ name: "all", match: { prefix: "/" }, route: { cluster: "web" } }],
      },
      {
        name: "tcp",
        address: "127.0.0.1:0",
        protocol: "tcp",
        filters: one.connection === undefined ? [] : chain,
        tcp: { cluster: "raw" },
      },
    ],
    clusters: [
      { name: "web", endpoints: [{ address: `127.0.0.1:${web}` }], ...(isHttp2 ? { http2: {} } : {}) },
      { name: "other", endpoints: [{ address: `127.0.0.1:${web}` }] },
      { name: "raw", endpoints: [{ address: `127.0.0.1:${tcp}` }] },
    ],
  };
}
