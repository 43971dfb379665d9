// From the text of sluice.yaml to a ProxyConfig, or to all its problems at once with their places. The CLI, the admin API
// and the control side come in here. Certificates are read from disk, so that mistakes in them have a place; nothing is
// changed.
import { availableParallelism, hostname } from "node:os";
import { dirname, resolve } from "node:path";
import { type Clock, systemClock } from "../base/clock.ts";
import { type Problem, ProblemError } from "../base/problem.ts";
import { type Document, LineCounter, parseDocument } from "yaml";
import { readAddress } from "./address.ts";
import { warnOfCertificates } from "./certificate-dates.ts";
import { substituteEnv } from "./environment.ts";
import type { AdminOptions, ProxyConfig } from "./options.ts";
import { inFileOrder, Places } from "./place.ts";
import type { Files } from "./pem-files.ts";
import { readCluster } from "./read-clusters.ts";
import { connectClusters } from "./read-connect.ts";
import { readExperiment } from "./read-experiments.ts";
import { inPhaseOrder, readFilter } from "./read-filters.ts";
import { readListener } from "./read-listeners.ts";
import { Reader } from "./reader.ts";
import { checkReferences, findOddities } from "./references.ts";

export interface ParseOptions {
  /** Where the text came from; relative sources are resolved against its folder, problems name it as given. */
  readonly path: string;
  /** For `${NAME}`. */
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Unused clusters and unreachable routes are problems, not warnings. Default false. */
  readonly strict?: boolean;
  /** Read the certificates and keys it names. Default true; without, nothing may be served with the result. */
  readonly files?: boolean;
  /** For the dates of certificates. */
  readonly clock?: Clock;
}

export interface ParsedConfig {
  readonly config: ProxyConfig;
  readonly warnings: readonly Problem[];
}

const DEFAULT_ADMIN = { host: "127.0.0.1", port: 9901 };

function readAdmin(reader: Reader): AdminOptions | null {
  if (reader.value === false) return null;
  return { ...readAddress(reader.get("address"), DEFAULT_ADMIN), token: reader.get("token").text() };
}

function readNode(reader: Reader): ProxyConfig["node"] {
  return {
    id: reader.get("id").text(hostname()),
    region: reader.get("region").text(),
    zone: reader.get("zone").text(),
    labels: reader.get("labels").record(),
  };
}

function readConfig(root: Reader, files: Files): ProxyConfig {
  const { folder } = files;
  const filters = root.get("filters").items.map((item) => readFilter(item, folder));
  const chain = inPhaseOrder(filters);
  return {
    admin: readAdmin(root.get("admin")),
    drainTimeoutMs: root.get("drainTimeout").durationMs(10_000),
    workers: root.get("workers").number(availableParallelism()),
    maxConnections: root.get("maxConnections").number(50_000),
    node: readNode(root.get("node")),
    listeners: root.get("listeners").items.map((item) => readListener(item, chain, files)),
    clusters: [...root.get("clusters").items.map((item) => readCluster(item, files)), ...connectClusters(root)],
    filters,
    experiments: root.get("experiments").items.map((item) => readExperiment(item, folder)),
    stateDir: resolve(folder, root.get("stateDir").text(".sluice")),
    logLevel: root.get("telemetry").get("log").get("level").oneOf(["trace", "debug", "info", "warn", "error"], "info"),
  };
}

/** Syntax errors, the first of each line: one slip makes the parser stumble several times over. */
function syntaxProblems(text: string, document: Document, places: Places): readonly Problem[] {
  const found = document.errors.map((error) => {
    const isTwice = error.code === "DUPLICATE_KEY";
    const key = isTwice ? (/^[^\s:]+/.exec(text.slice(error.pos[0]))?.[0] ?? "") : "";
    const range = { start: error.pos[0], end: isTwice ? error.pos[0] + key.length : error.pos[1] };
    const problem = places.problemAt(isTwice ? "duplicate_key" : "bad_syntax", error.message, range);
    const line = text.split(/\r?\n/)[(problem.line ?? 1) - 1] ?? "";
    const isBare = /[{[].*[^"'$]\$\{/.test(line);
    return isBare ? { ...problem, hint: 'inside { } and [ ] a reference is quoted: "${NAME}"' } : problem;
  });
  return found.filter((one, at) => found.findIndex((other) => other.line === one.line) === at);
}

/**
 * Text (YAML or JSON) -> configuration. @throws ProblemError with every problem, in file order, each with pointer, line,
 * column, frame and hint.
 */
export async function parseConfig(text: string, options: ParseOptions): Promise<ParsedConfig> {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false, merge: true });
  const places = new Places(text, options.path, document, counter);
  const syntax = syntaxProblems(text, document, places);
  if (syntax.length > 0) throw new ProblemError(syntax);
  return check(document, places, options);
}

/** The document as plain data; YAML aliases that multiply without bound are refused. */
function toPlain(document: Document, places: Places): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 }) ?? {};
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ProblemError([places.problemAt("bad_alias", message, { start: 0, end: 1 })], { cause: error });
  }
}

async function check(document: Document, places: Places, options: ParseOptions): Promise<ParsedConfig> {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const whole = substituteEnv(document, options.env, (problem) => problems.push(problem), places);
  const value = toPlain(document, places);
  // typebox is slow to load and only needed here, so that `sluice --version` stays quick.
  const { checkShape } = await import("./shape.ts");
  problems.push(...checkShape(value, whole, places));
  const root = new Reader(value, [], { places, problems });
  const files = { folder: dirname(resolve(options.path)), read: options.files ?? true };
  const config = readConfig(root, files);
  checkReferences(root, config);
  findOddities(new Reader(value, [], { places, problems: options.strict === true ? problems : warnings }), config);
  // A warning even when strict: only the clock decides, and a restart must not fail because of it.
  const warned = new Reader(value, [], { places, problems: warnings });
  if (files.read) warnOfCertificates(warned, files.folder, (options.clock ?? systemClock).nowMs());
  if (problems.length > 0) throw new ProblemError(inFileOrder(problems));
  return { config: deepFreeze(config), warnings: inFileOrder(warnings) };
}

function deepFreeze<T>(value: T): T {
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value)) deepFreeze(inner);
  return Object.freeze(value);
}
