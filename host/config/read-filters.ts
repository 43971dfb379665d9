// `filters:` of a config -> FilterOptions.
import { resolve } from "node:path";
import type { FilterOptions } from "../plugin/options.ts";
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
    failurePolicy: reader
      .get("failurePolicy")
      .oneOf(["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"], phase === "STATS" ? "FAIL_OPEN" : "FAIL_CLOSED"),
    limits: {
      memoryBytes: reader
        .get("limits")
        .get("memory")
        .bytes(64 * MiB),
      fuel: reader.get("limits").get("fuel").fuel(10_000_000),
    },
    allowedCapabilities: readList(reader.get("allowedCapabilities")),
    allowedUpstreams: readList(reader.get("allowedUpstreams")),
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
