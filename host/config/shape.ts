// The structural check: what the JSON Schema says about a config, put into sentences with a place. Loaded lazily together
// with the schema.
import type { Problem } from "../base/problem.ts";
import { Errors } from "typebox/schema";
import { Settings } from "typebox/system";
import type { Substituted } from "./environment.ts";
import { isKeyNotYet, isValueNotYet, NOT_YET_HINT } from "./not-yet.ts";
import { fromPointer, type Path, type Places } from "./place.ts";
import { isSecretKey } from "../base/secrets.ts";
import { CONFIG_SCHEMA } from "./schema.ts";
import { EXPECTED, WORDS } from "./schema-words.ts";
import { nearest, suggestion } from "./suggest.ts";

type Json = Readonly<Record<string, unknown>>;
interface SchemaError {
  readonly keyword: string;
  readonly schemaPath: string;
  readonly instancePath: string;
  readonly params: Json;
  readonly message: string;
}
interface Finding {
  readonly error: SchemaError;
  readonly schema: Json;
  readonly path: Path;
  readonly value: unknown;
}

// typebox stops at 8 errors by default; a config's reader wants all of them. The bound keeps a hostile file in check.
const MAX_ERRORS = 200;

const isJson = (value: unknown): value is Json => typeof value === "object" && value !== null;
const words = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : [String(value)]);

/** What stands at `path`, or undefined. */
export function valueAt(root: unknown, path: Path): unknown {
  let here = root;
  for (const part of path) here = isJson(here) ? here[String(part)] : undefined;
  return here;
}

/** `number 5`, `"text"`, `a list`: a value as an error names it. Values of secret keys stay unsaid. */
export function describe(value: unknown, path: Path): string {
  if (value === null || value === undefined) return "nothing";
  if (Array.isArray(value)) return "a list";
  if (typeof value === "object") return "an object";
  if (path.some((part) => isSecretKey(String(part)))) return `a ${typeof value}`;
  return typeof value === "string" ? JSON.stringify(value) : `${typeof value} ${String(value)}`;
}

const ARTICLE: Readonly<Record<string, string>> = {
  object: "an object",
  array: "a list",
  string: "a string",
  integer: "a whole number",
  number: "a number",
  boolean: "true or false",
};

const SENTENCES: Readonly<Record<string, (finding: Finding) => string>> = {
  type: ({ error, schema, path, value }) => {
    const wanted =
      schema[EXPECTED] ??
      words(error.params["type"])
        .map((word) => ARTICLE[word] ?? word)
        .join(" or ");
    return `expected ${String(wanted)}, got ${describe(value, path)}`;
  },
  pattern: ({ error, schema, path, value }) =>
    `expected ${String(schema[EXPECTED] ?? `text like ${String(error.params["pattern"])}`)}, got ${describe(value, path)}`,
  enum: ({ error, path, value }) =>
    `expected one of ${words(error.params["allowedValues"]).join(", ")}, got ${describe(value, path)}`,
  minItems: ({ error }) =>
    error.params["limit"] === 1 ? "needs at least 1 entry" : `needs at least ${String(error.params["limit"])} entries`,
};

function sentence(finding: Finding): string {
  const made = SENTENCES[finding.error.keyword];
  return made === undefined ? `${finding.error.message}, got ${describe(finding.value, finding.path)}` : made(finding);
}

function keysOf(schema: Json): readonly string[] {
  return isJson(schema["properties"]) ? Object.keys(schema["properties"]) : [];
}

function unknownKeys(finding: Finding, places: Places): Problem[] {
  return words(finding.error.params["additionalProperties"]).map((key) => {
    const path = [...finding.path, key];
    if (isKeyNotYet(finding.path, key)) {
      return places.problem("not_supported", `"${key}" is not supported yet`, { path, at: "key", hint: NOT_YET_HINT });
    }
    const hint = suggestion(key, keysOf(finding.schema));
    return places.problem("unknown_key", `unknown key "${key}"`, { path, at: "key", hint });
  });
}

function missingKeys(finding: Finding, places: Places): Problem[] {
  return words(finding.error.params["requiredProperties"]).map((key) =>
    places.problem("missing_key", `missing key "${key}"`, { path: finding.path, hint: `add ${key}:` }),
  );
}

function wrongValue(finding: Finding, places: Places): Problem {
  const { path, value, error } = finding;
  if (isValueNotYet(path, value)) {
    const what = typeof value === "string" ? `"${value}"` : "this form";
    return places.problem("not_supported", `${what} is not supported yet`, { path, hint: NOT_YET_HINT });
  }
  const known = error.keyword === "enum" ? error.params["allowedValues"] : finding.schema[WORDS];
  const near = known === undefined ? null : nearest(String(value), words(known));
  const hint = near === null ? {} : { hint: `did you mean "${near}"?` };
  return places.problem(error.keyword === "type" ? "wrong_type" : "bad_value", sentence(finding), { path, ...hint });
}

function toProblems(finding: Finding, places: Places): Problem[] {
  if (finding.error.keyword === "additionalProperties") return unknownKeys(finding, places);
  if (finding.error.keyword === "required") return missingKeys(finding, places);
  // "boolean" repeats what additionalProperties says, once per key.
  return finding.error.keyword === "boolean" ? [] : [wrongValue(finding, places)];
}

function schemaAt(path: string): Json {
  const node = valueAt(CONFIG_SCHEMA, path.split("/").slice(1));
  return isJson(node) ? node : {};
}

function check(root: unknown): Finding[] {
  Settings.Set({ maxErrors: MAX_ERRORS });
  const [, errors] = Errors(CONFIG_SCHEMA, root) as unknown as [boolean, SchemaError[]];
  return errors.map((error) => {
    const path = fromPointer(error.instancePath, root);
    return { error, path, schema: schemaAt(error.schemaPath), value: valueAt(root, path) };
  });
}

/** Takes the other reading of a value that came from the environment (text or number). Returns whether there was one. */
function otherReading(root: unknown, finding: Finding, substituted: ReadonlyMap<string, Substituted>): boolean {
  const entry = substituted.get(finding.error.instancePath);
  const parent = valueAt(root, finding.path.slice(0, -1));
  const other = finding.value === entry?.text ? entry?.read : entry?.text;
  if (finding.error.keyword !== "type" || other === undefined || other === finding.value || !isJson(parent))
    return false;
  return Reflect.set(parent, String(finding.path.at(-1)), other);
}

/**
 * Every structural problem of `root`. `substituted` holds, by JSON pointer, values that came whole from the environment:
 * where the schema wants a number and the variable spells one, `root` is changed in place.
 */
export function checkShape(
  root: unknown,
  substituted: ReadonlyMap<string, Substituted>,
  places: Places,
): readonly Problem[] {
  const first = check(root);
  const changed = first.filter((finding) => otherReading(root, finding, substituted));
  const findings = changed.length === 0 ? first : check(root);
  // One value, one complaint: an integer that is no number also breaks its minimum.
  const wrongType = new Set(
    findings.filter((one) => one.error.keyword === "type").map((one) => one.error.instancePath),
  );
  return findings
    .filter((one) => one.error.keyword === "type" || !wrongType.has(one.error.instancePath))
    .flatMap((one) => toProblems(one, places));
}
