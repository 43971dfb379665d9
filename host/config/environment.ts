// `${NAME}` in a config: taken from the environment before anything is checked. `$${` is a literal `${`.
import type { Problem } from "../base/problem.ts";
import { type Document, isPair, isScalar, isSeq, visit } from "yaml";
import { type Path, type Places, toPointer } from "./place.ts";

/** A scalar that was nothing but one reference: its text, and what YAML reads in that text (a number, a boolean). */
export interface Substituted {
  readonly text: string;
  readonly read: unknown;
}

const REFERENCE = /\$(\$?)\{([^}]*)\}/g;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/;

function readScalar(text: string): unknown {
  if (/^-?\d+(\.\d+)?$/.test(text)) return Number(text);
  return text === "true" || text === "false" ? text === "true" : text;
}

/** Why a reference cannot be used, or null. */
function complaint(name: string, env: Readonly<Record<string, string | undefined>>): [string, string] | null {
  if (!NAME.test(name)) return [`"\${${name}}" is not a variable reference`, "write ${NAME}, or $${ for a literal ${"];
  if (env[name] === undefined) return [`environment variable ${name} is not set`, `export ${name} before starting`];
  return null;
}

/** The path to a node, from its ancestors as `visit` gives them. */
function pathOf(ancestors: readonly unknown[], node: unknown): Path {
  const below = [...ancestors.slice(1), node];
  return ancestors.flatMap((one, at): (string | number)[] => {
    if (isSeq(one)) return [one.items.indexOf(below[at])];
    return isPair(one) && isScalar(one.key) ? [String(one.key.value)] : [];
  });
}

/**
 * Replaces the references in the values of `document` (never in keys) and reports those that cannot be. Returns what was
 * replaced whole, by JSON pointer: a number given as `"${WORKERS}"` is one where the schema wants one.
 */
export function substituteEnv(
  document: Document,
  env: Readonly<Record<string, string | undefined>>,
  report: (problem: Problem) => void,
  places: Places,
): ReadonlyMap<string, Substituted> {
  const whole = new Map<string, Substituted>();
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === "key" || typeof node.value !== "string" || !node.value.includes("${")) return;
      const given = node.value;
      const path = pathOf(ancestors, node);
      const text = given.replaceAll(REFERENCE, (all, escaped: string, name: string) => {
        if (escaped !== "") return all.slice(1);
        const wrong = complaint(name, env);
        if (wrong !== null) report(places.problem("bad_variable", wrong[0], { path, hint: wrong[1] }));
        return env[name] ?? "";
      });
      const isWhole = /^\$\{[^}]*\}$/.test(given);
      if (isWhole) whole.set(toPointer(path), { text, read: readScalar(text) });
      node.value = isWhole && node.type === "PLAIN" ? readScalar(text) : text;
    },
  });
  return whole;
}
