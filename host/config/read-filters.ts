// `filters:` of a config -> FilterOptions.
import { resolve } from "node:path";
import { FILTER_DEFAULTS as DEFAULTS } from "../plugin/defaults.ts";
import { FAULT_CAUSES } from "../plugin/failure-policy.ts";
import type { FailurePolicy, FilterOptions } from "../plugin/options.ts";
import { readLimits } from "./read-limits.ts";
import type { Reader } from "./reader.ts";

const MiB = 1024 * 1024;

/** Why a source cannot be used: code, sentence, hint; or null. */
function complaint(source: string, sha256: string): readonly [string, string, string] | null {
  if (source.startsWith("https://")) {
    return sha256 === ""
      ? ["missing_sha256", "an https:// source needs sha256", "add sha256: and the 64 hex digits of the module"]
      : null;
  }
  if (source.startsWith("oci://")) {
    return ["not_supported", '"oci://" is not supported yet', "use a file or an https:// URL with sha256"];
  }
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(source)) {
    return [
      "bad_source",
      `expected a file or an https:// URL, got "${source}"`,
      "plain http can be changed on the way",
    ];
  }
  if (!/\.(ts|wasm)$/.test(source)) {
    return ["bad_source", `expected a .ts entry or a .wasm, got "${source}"`, "name the file, not its folder"];
  }
  return null;
}

/** A source made absolute against the config's folder; what cannot be used is reported. "" stays "". */
export function readSource(reader: Reader, sha256: string, folder: string): string {
  const source = reader.text();
  if (source === "") return "";
  const wrong = complaint(source, sha256);
  if (wrong !== null) reader.problem(wrong[0], wrong[1], { hint: wrong[2] });
  return /^[a-z][a-z0-9+.-]*:\/\//i.test(source) ? source : resolve(folder, source);
}

function readList(reader: Reader): readonly string[] | null {
  return reader.isPresent ? reader.strings() : null;
}

const POLICIES: readonly FailurePolicy[] = ["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"];

/** One word for all causes, or a word for each; the phase says what a cause without one means. */
function readFailurePolicy(
  reader: Reader,
  phase: FilterOptions["phase"],
): Pick<FilterOptions, "failurePolicy" | "failurePolicies"> {
  const byDefault = phase === "STATS" ? "FAIL_OPEN" : "FAIL_CLOSED";
  const given = FAULT_CAUSES.filter((cause) => reader.get(cause).isPresent);
  return {
    failurePolicy: reader.oneOf(POLICIES, byDefault),
    failurePolicies: Object.fromEntries(given.map((cause) => [cause, reader.get(cause).oneOf(POLICIES, byDefault)])),
  };
}

/**
 * What the filter may ask of the host. A module from elsewhere may not call out, call foreign functions or find other
 * filters' queues unless the configuration says so (abi.md 11.3).
 */
function readRights(reader: Reader, name: string): Rights {
  const isForeign = /^[a-z][a-z0-9+.-]*:\/\//i.test(reader.get("source").text());
  const list = (key: string, elsewhere: readonly string[]): readonly string[] | null =>
    readList(reader.get(key)) ?? (isForeign ? elsewhere : null);
  return {
    allowedCapabilities: readList(reader.get("allowedCapabilities")),
    allowedProperties: readList(reader.get("allowedProperties")),
    allowedForeignFunctions: list("allowedForeignFunctions", ["sluice.features"]),
    allowedNamespaces: list("allowedNamespaces", [reader.get("vmId").text(name)]),
    allowedUpstreams: list("allowedUpstreams", []),
  };
}

type Rights = Pick<
  FilterOptions,
  "allowedCapabilities" | "allowedProperties" | "allowedForeignFunctions" | "allowedNamespaces" | "allowedUpstreams"
>;

/** One filter, defaults filled in. `folder` is where the config file stands. */
export function readFilter(reader: Reader, folder: string): FilterOptions {
  const name = reader.get("name").text();
  const sha256 = reader.get("sha256").text();
  const phase = reader.get("phase").oneOf(["AUTHN", "AUTHZ", "STATS", ""], "");
  return {
    name,
    source: readSource(reader.get("source"), sha256, folder),
    sha256,
    phase,
    priority: reader.get("priority").number(0),
    ...readFailurePolicy(reader.get("failurePolicy"), phase),
    quarantine: {
      faults: reader.get("quarantine").get("faults").number(DEFAULTS.quarantine.faults),
      windowMs: reader.get("quarantine").get("window").durationMs(DEFAULTS.quarantine.windowMs),
    },
    limits: readLimits(reader.get("limits")),
    ...readRights(reader, name),
    rootId: reader.get("rootId").text(),
    vmId: reader.get("vmId").text(name),
    vmConfig: reader.get("vmConfig").jsonText(),
    environment: reader.get("environment").record(),
    pauseTimeoutMs: reader.get("pauseTimeout").durationMs(30_000),
    bufferLimitBytes: reader.get("bufferLimit").bytes(MiB),
    pluginConfig: reader.get("pluginConfig").jsonText(),
  };
}

const PHASES = ["AUTHN", "AUTHZ", "STATS", ""] as const;

/** The chain of a listener that lists none: by phase, then higher priority first, then as written. */
export function inPhaseOrder(filters: readonly FilterOptions[]): readonly string[] {
  const rank = (filter: FilterOptions): number => PHASES.indexOf(filter.phase);
  return [...filters].sort((a, b) => rank(a) - rank(b) || b.priority - a.priority).map((filter) => filter.name);
}
