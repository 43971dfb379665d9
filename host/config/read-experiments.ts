// `experiments:` of a config -> ExperimentOptions.
import type { ExperimentOptions, UnitSource, VariantOptions } from "../experiment/options.ts";
import { readSource } from "./read-filters.ts";
import type { Reader } from "./reader.ts";

/** `header:x-user`, `cookie:sid`, `requestId`, `sourceIp`, `connection` -> unit source, or null. */
export function parseUnit(text: string): UnitSource | null {
  if (text === "requestId" || text === "sourceIp" || text === "connection") return { kind: text };
  const found = /^(header|cookie):(.+)$/.exec(text);
  const name = found?.[2]?.trim() ?? "";
  if (name === "") return null;
  return found?.[1] === "cookie" ? { kind: "cookie", name } : { kind: "header", name: name.toLowerCase() };
}

function readFallback(reader: Reader): readonly UnitSource[] {
  if (!reader.isPresent) return [];
  const unit = parseUnit(reader.text());
  if (unit !== null) return [unit];
  reader.problem(
    "bad_unit",
    `expected header:<name>, cookie:<name>, sourceIp, connection or requestId, got "${reader.text()}"`,
  );
  return [];
}

/** Units without a name: `{ sourceIp: true }`. */
const BARE_UNITS = ["requestId", "sourceIp", "connection"] as const;

function readUnit(reader: Reader): readonly UnitSource[] {
  if (Array.isArray(reader.value)) {
    return reader.items.map((item) => parseUnit(item.text())).filter((unit) => unit !== null);
  }
  const set = (["header", "cookie", ...BARE_UNITS] as const).filter((key) => reader.get(key).isPresent);
  if (set.length !== 1 && reader.isObject) {
    reader.problem("pick_one", "exactly one of header, cookie, requestId, sourceIp, connection is needed", {
      hint: "a second choice is the fallback: { header: x-user-id, fallback: cookie:sid }",
    });
  }
  const kind = set[0];
  const first =
    kind === undefined
      ? null
      : parseUnit(kind === "header" || kind === "cookie" ? `${kind}:${reader.get(kind).text()}` : kind);
  return [...(first === null ? [] : [first]), ...readFallback(reader.get("fallback"))];
}

function readVariant(reader: Reader, folder: string): VariantOptions {
  const source = reader.get("source");
  const config = reader.get("pluginConfig");
  if (reader.isObject && source.isPresent === reader.get("version").isPresent) {
    reader.problem("pick_one", "exactly one of version, source is needed", {
      hint: "version: current is what is live",
    });
  }
  return {
    name: reader.get("name").text(),
    version: reader.get("version").text(),
    source: readSource(source, "", folder),
    pluginConfig: config.isPresent ? config.jsonText() : null,
    weight: reader.get("weight").number(0),
  };
}

function checkWeights(reader: Reader, variants: readonly VariantOptions[]): void {
  const sum = variants.reduce((total, variant) => total + variant.weight, 0);
  if (variants.length > 0 && Math.abs(sum - 100) > 1e-9) {
    reader.problem("bad_weights", `weights must add up to 100, got ${Number(sum.toFixed(6))}`);
  }
}

/** One experiment, defaults filled in. `folder` is where the config file stands. */
export function readExperiment(reader: Reader, folder: string): ExperimentOptions {
  const name = reader.get("name").text();
  const variants = reader.get("variants").items.map((item) => readVariant(item, folder));
  checkWeights(reader.get("variants"), variants);
  return {
    name,
    filter: reader.get("filter").text(),
    salt: reader.get("salt").text(name),
    unit: readUnit(reader.get("unit")),
    variants,
  };
}
