// From a `@config` class to the AssemblyScript text of its `field()` and `names()`: one arm per field, no reflection.
import type { Bounds, ConfigClass, Field, FieldType } from "./config-model.ts";
import { unitAmount } from "./units.ts";

/** Local name of the reader in the author's file; chosen so that it meets no name of theirs. */
const READER = "SluiceJsonReader";

/** A file with one import and one class `_` whose members belong into the author's class. */
export function decoderText(config: ConfigClass): string {
  const arms = config.fields.map((field) => `if (json.is(${quote(field.name)})) { ${assign(field)} return true; }`);
  const names = config.fields.map((field) => `${field.name},`).join("");
  return `import { JsonReader as ${READER} } from "@sluice/sdk/assembly/config/json-reader";
class _ {
  override field(json: ${READER}): bool { ${arms.join(" ")} return super.field(json); }
  override names(): string { return ${quote(names)} + super.names(); }
}`;
}

const quote = (text: string): string => JSON.stringify(text);

function assign(field: Field): string {
  const target = `this.${field.name}`;
  const body = fill(field.type, target);
  return field.nullable ? `if (json.isNull()) ${target} = null; else { ${body} }` : body;
}

function fill(type: FieldType, target: string): string {
  if (type.kind === "list") {
    return `const list = new Array<${nameOf(type.of)}>(); if (json.beginArray()) while (json.nextItem()) list.push(${read(type.of)}); ${target} = list;`;
  }
  if (type.kind === "map") {
    return `const map = new Map<string, ${nameOf(type.of)}>(); if (json.beginObject()) while (json.nextKey()) { const name = json.key; map.set(name, ${read(type.of)}); } ${target} = map;`;
  }
  return `${target} = ${read(type)};`;
}

function nameOf(type: FieldType): string {
  if (type.kind === "list") return `Array<${nameOf(type.of)}>`;
  if (type.kind === "map") return `Map<string, ${nameOf(type.of)}>`;
  if (type.kind === "float") return "f64";
  return type.kind === "string" || type.kind === "bool" ? type.kind : type.name;
}

/** An expression that reads one value of `type`. */
function read(type: FieldType): string {
  switch (type.kind) {
    case "string":
      return type.values === null ? "json.string()" : `json.oneOf(${quote(type.values.join(","))})`;
    case "bool":
      return "json.bool()";
    case "int":
      return readInt(type.name, type.range);
    case "float":
      return readFloat("json.float", type.range ?? { low: "-f64.MAX_VALUE", high: "f64.MAX_VALUE" }, type.range);
    case "unit":
      return readUnit(type.name, type.range);
    case "nested":
      // `this` as a return type is the class that declares the method.
      return `changetype<${type.name}>(new ${type.name}().decoded(json))`;
    case "list":
    case "map":
      throw new Error("lists of lists are not read in one expression");
  }
}

function readInt(name: string, range: Bounds | null): string {
  const low = range?.low ?? `${name}.MIN_VALUE`;
  const high = range?.high ?? `${name}.MAX_VALUE`;
  const signed = name.startsWith("i");
  const expected = range === null ? integerWords(name) : between(range);
  return `<${name}>json.${signed ? "int" : "uint"}(${low}, ${high}, ${quote(expected)})`;
}

function integerWords(name: string): string {
  const bits = Number(name.slice(1));
  if (bits === 64) return name === "u64" ? "an integer from 0" : "an integer";
  const high = name.startsWith("u") ? 2 ** bits - 1 : 2 ** (bits - 1) - 1;
  return `an integer ${between({ low: name.startsWith("u") ? "0" : String(-high - 1), high: String(high) })}`;
}

function readFloat(call: string, bounds: Bounds, range: Bounds | null): string {
  return `${call}(${bounds.low}, ${bounds.high}, ${quote(range === null ? "a number" : between(range))})`;
}

function readUnit(name: "Duration" | "Size" | "Percent" | "Rate", range: Bounds | null): string {
  if (range === null) return `${name}.read(json)`;
  if (name === "Percent") return `Percent.read(json, ${range.low}, ${range.high}, ${quote(between(range))})`;
  const kind = name === "Size" ? "Size" : "Duration";
  const low = unitAmount(kind, range.low) ?? "0";
  const high = unitAmount(kind, range.high) ?? "0";
  return `${name}.read(json, ${low}, ${high}, ${quote(`from ${range.low} to ${range.high}`)})`;
}

/** `0-100`, or `-5 to 5` where a dash would read as a sign. */
function between(range: Bounds): string {
  return range.low.startsWith("-") ? `${range.low} to ${range.high}` : `${range.low}-${range.high}`;
}
