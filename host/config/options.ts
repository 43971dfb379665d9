// A whole configuration once parsed: what the rooms read. Types only; the YAML side is schema.ts and parse.ts.
import type { ExperimentOptions } from "../experiment/options.ts";
import type { ListenerOptions } from "../net/options.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { ClusterOptions } from "../upstream/options.ts";

export interface AdminOptions {
  readonly host: string;
  readonly port: number;
  /** Bearer token, or "" (allowed on loopback only). */
  readonly token: string;
}

export interface ProxyConfig {
  /** null = no admin API. */
  readonly admin: AdminOptions | null;
  readonly drainTimeoutMs: number;
  /** Data threads, 1 or more. */
  readonly workers: number;
  /** Client connections over all listeners and threads. Default 50 000. */
  readonly maxConnections: number;
  readonly node: {
    readonly id: string;
    readonly region: string;
    readonly zone: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly listeners: readonly ListenerOptions[];
  readonly clusters: readonly ClusterOptions[];
  readonly filters: readonly FilterOptions[];
  readonly experiments: readonly ExperimentOptions[];
  /** Where versions, experiments and caches live. Absolute. */
  readonly stateDir: string;
  readonly logLevel: "trace" | "debug" | "info" | "warn" | "error";
}
