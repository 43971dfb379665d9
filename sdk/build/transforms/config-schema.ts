// From `@config` classes to a JSON Schema, draft 2020-12. Nested classes are written out in place: readers of the schema
// (the host's validator, forms in the dashboard) then need no references.
import type { Bounds, ConfigClass, Field, FieldType } from "./config-model.ts";
import { PATTERNS } from "./units.ts";

type Json = Record<string, unknown>;
export type ConfigClasses = ReadonlyMap<string, ConfigClass>;

/** The schema of `root`; inherited fields included. */
export function configSchema(root: ConfigClass, classes: ConfigClasses, title: string): Json {
  return { $schema: "https://json-schema.org/draft/2020-12/schema", title, ...objectSchema(root, classes) };
}

/** All fields, those of base classes first. */
export function allFields(config: ConfigClass, classes: ConfigClasses): readonly Field[] {
  const base = config.base === null ? undefined : classes.get(config.base);
  return base === undefined ? config.fields : [...allFields(base, classes), ...config.fields];
}

function objectSchema(config: ConfigClass, classes: ConfigClasses): Json {
  const properties: Json = {};
  for (const field of allFields(config, classes)) properties[field.name] = fieldSchema(field, classes);
  return { ...described(config.doc), type: "object", properties, additionalProperties: false };
}

function fieldSchema(field: Field, classes: ConfigClasses): Json {
  const schema = typeSchema(field.type, classes);
  const typed = field.nullable ? nullable(schema) : schema;
  // What the field says of its use outranks what its class says of itself.
  return { ...typed, ...described(field.doc), ...(field.default === undefined ? {} : { default: field.default }) };
}

const described = (doc: string): Json => (doc === "" ? {} : { description: doc });

function nullable(schema: Json): Json {
  return { ...schema, type: [schema["type"], "null"], ...(Array.isArray(schema["enum"]) ? { enum: [...schema["enum"], null] } : {}) };
}

function typeSchema(type: FieldType, classes: ConfigClasses): Json {
  switch (type.kind) {
    case "string":
      return { type: "string", ...(type.values === null ? {} : { enum: [...type.values] }) };
    case "bool":
      return { type: "boolean" };
    case "int":
      return { type: "integer", ...numbers(type.range ?? ownRange(type.name)) };
    case "float":
      return { type: "number", ...numbers(type.range) };
    case "unit":
      return unitSchema(type.name, type.range);
    case "list":
      return { type: "array", items: typeSchema(type.of, classes) };
    case "map":
      return { type: "object", additionalProperties: typeSchema(type.of, classes) };
    case "nested": {
      const nested = classes.get(type.name);
      return nested === undefined ? { type: "object" } : objectSchema(nested, classes);
    }
  }
}

function unitSchema(name: "Duration" | "Size" | "Percent" | "Rate", range: Bounds | null): Json {
  if (name === "Percent") return { type: "number", ...numbers(range ?? { low: "0", high: "100" }) };
  // A schema cannot compare units: the guest checks the range, the reader of the schema sees it in words.
  const comment = range === null ? {} : { $comment: `from ${range.low} to ${range.high}` };
  return { type: "string", pattern: PATTERNS[name], ...comment };
}

const numbers = (range: Bounds | null): Json =>
  range === null ? {} : { minimum: Number(range.low.replaceAll("_", "")), ...(range.high === "" ? {} : { maximum: Number(range.high.replaceAll("_", "")) }) };

/** Bounds of an integer type; none beyond what JSON numbers carry exactly. */
function ownRange(name: string): Bounds | null {
  const bits = Number(name.slice(1));
  if (bits === 64) return name === "u64" ? { low: "0", high: "" } : null;
  if (name.startsWith("u")) return { low: "0", high: String(2 ** bits - 1) };
  return { low: String(-(2 ** (bits - 1))), high: String(2 ** (bits - 1) - 1) };
}
