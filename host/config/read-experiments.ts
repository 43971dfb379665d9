// `experiments:` of a config -> ExperimentOptions.
import type { ExperimentOptions, UnitSource, VariantOptions } from "../experiment/options.ts";
import { readSource } from "./read-filters.ts";
import { readRules } from "./read-rules.ts";
import type { Reader } from "./reader.ts";

const NAMED_UNITS = ["header", "cookie", "claim", "tag"] as const;

/** `header:x-user`, `cookie:sid`, `set-cookie:sid` (given to who has none), `claim:sub`, `tag:user`, `requestId`, `sourceIp`, `connection` -> unit source, or null. */
export function parseUnit(text: string): UnitSource | null {
  if (text === "requestId" || text === "sourceIp" || text === "connection") return { kind: text };
  const found = /^(header|cookie|set-cookie|claim|tag):(.+)$/.exec(text);
  const name = found?.[2]?.trim() ?? "";
  if (name !== "" && found?.[1] === "set-cookie") return { kind: "cookie", name, set: true };
  const kind = NAMED_UNITS.find((one) => one === found?.[1]);
  if (name === "" || kind === undefined) return null;
  return { kind, name: kind === "header" ? name.toLowerCase() : name };
}

function readFallback(reader: Reader): readonly UnitSource[] {
  if (!reader.isPresent) return [];
  const unit = parseUnit(reader.text());
  if (unit !== null) return [unit];
  reader.problem(
    "bad_unit",
    `expected header:<name>, cookie:<name>, claim:<name>, tag:<name>, sourceIp, connection or requestId, got "${reader.text()}"`,
  );
  return [];
}

/** Units without a name: `{ sourceIp: true }`. */
const BARE_UNITS = ["requestId", "sourceIp", "connection"] as const;

function readUnit(reader: Reader): readonly UnitSource[] {
  if (Array.isArray(reader.value)) {
    return reader.items.map((item) => parseUnit(item.text())).filter((unit) => unit !== null);
  }
  const set = [...NAMED_UNITS, ...BARE_UNITS].filter((key) => reader.get(key).isPresent);
  if (set.length !== 1 && reader.isObject) {
    reader.problem("pick_one", "exactly one of header, cookie, claim, tag, requestId, sourceIp, connection is needed", {
      hint: "a second choice is the fallback: { header: x-user-id, fallback: cookie:sid }",
    });
  }
  const kind = set[0];
  const first =
    kind === undefined
      ? null
      : parseUnit(NAMED_UNITS.some((one) => one === kind) ? `${kind}:${reader.get(kind).text()}` : kind);
  const isSet = reader.get("set").flag(false);
  if (isSet && first?.kind !== "cookie") reader.get("set").problem("unusable_key", "only a cookie can be set");
  const given: UnitSource | null = isSet && first?.kind === "cookie" ? { ...first, set: true } : first;
  return [...(given === null ? [] : [given]), ...readFallback(reader.get("fallback"))];
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

function checkShadowWeights(reader: Reader, variants: readonly VariantOptions[]): void {
  variants.forEach(({ weight }, at) => {
    if (at === 0 || weight === 0) return;
    reader.items[at]?.get("weight").problem("shadow_only", "mode: shadow shows the candidate to nobody", {
      hint: "weight 100 for the control and 0 for the candidate",
    });
  });
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
  if (reader.get("mode").text() === "shadow") checkShadowWeights(reader.get("variants"), variants);
  return {
    name,
    filter: reader.get("filter").text(),
    salt: reader.get("salt").text(name),
    unit: readUnit(reader.get("unit")),
    variants,
    ...readRules(
      reader,
      variants.map((variant) => variant.name),
    ),
  };
}
