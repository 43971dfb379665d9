// What a `@config` class says, read from asc's syntax tree: fields with types, ranges, defaults and doc comments.
import {
  type ClassDeclaration,
  type DecoratorNode,
  type Expression,
  FieldDeclaration,
  IdentifierExpression,
  NamedTypeNode,
  type TypeNode,
} from "assemblyscript";
import { defaultOf, literalOf } from "./config-literal.ts";
import { type SourceProblem, textOf } from "./problem.ts";
import { unitAmount } from "./units.ts";

export type UnitName = "Duration" | "Size" | "Percent" | "Rate";
/** Bounds as source text, for the guest; absent = the type's own. */
export interface Bounds {
  readonly low: string;
  readonly high: string;
}
export type FieldType =
  | { readonly kind: "string"; readonly values: readonly string[] | null }
  | { readonly kind: "bool" }
  | { readonly kind: "int"; readonly name: string; readonly range: Bounds | null }
  | { readonly kind: "float"; readonly range: Bounds | null }
  | { readonly kind: "unit"; readonly name: UnitName; readonly range: Bounds | null }
  | { readonly kind: "list"; readonly of: FieldType }
  | { readonly kind: "map"; readonly of: FieldType }
  | { readonly kind: "nested"; readonly name: string };

export interface Field {
  readonly name: string;
  readonly type: FieldType;
  readonly nullable: boolean;
  /** Default as JSON, undefined when it is no literal. */
  readonly default: unknown;
  readonly doc: string;
}
export interface ConfigClass {
  readonly name: string;
  /** Name of the class it extends; null is a problem. */
  readonly base: string | null;
  readonly doc: string;
  readonly fields: readonly Field[];
}

// asc's CommonFlags, a const enum: Static 32, Private 512, Protected 1024. Such fields are no configuration.
const HIDDEN = 32 | 512 | 1024;
const INTEGERS = new Set(["i8", "u8", "i16", "u16", "i32", "u32", "i64", "u64"]);
const UNITS = new Set<string>(["Duration", "Size", "Percent", "Rate"]);

/** Whether a decorator is `@name`. */
export function isDecorator(node: DecoratorNode, name: string): boolean {
  return node.name instanceof IdentifierExpression && node.name.text === name;
}

/** Reads one class and takes its field decorators away (asc would call them unknown). Problems go to `problems`. */
export function readClass(
  node: ClassDeclaration,
  known: ReadonlySet<string>,
  problems: SourceProblem[],
): ConfigClass {
  const fields: Field[] = [];
  for (const member of node.members) {
    if (!(member instanceof FieldDeclaration) || (member.flags & HIDDEN) !== 0 || member.parameterIndex >= 0) continue;
    const field = readField(member, known, problems);
    if (field !== null) fields.push(field);
  }
  const base = node.extendsType?.name.identifier.text ?? null;
  if (base === null) problems.push({ range: node.name.range, message: "a @config class extends Config" });
  return { name: node.name.text, base, doc: docOf(node), fields };
}

function readField(node: FieldDeclaration, known: ReadonlySet<string>, problems: SourceProblem[]): Field | null {
  const decorators = node.decorators ?? [];
  const doc = docOf(node);
  node.decorators = decorators.filter((one) => !isDecorator(one, "range") && !isDecorator(one, "values"));
  const say = (range: SourceProblem["range"], message: string): null => {
    problems.push({ range, message });
    return null;
  };
  const type = readType(node.type, known);
  if (type === null) {
    const written = node.type === null ? "no type" : textOf(node.type);
    return say((node.type ?? node).range, `${written}: not a type of configuration fields, nor a @config class`);
  }
  let decorated: FieldType | string = type;
  for (const one of decorators) if (typeof decorated !== "string") decorated = decorate(decorated, one);
  if (typeof decorated === "string") return say((decorators[0] ?? node).range, decorated);
  const given = defaultOf(node.initializer, decorated);
  if (typeof given === "string") return say((node.initializer ?? node).range, given);
  const nullable = node.type instanceof NamedTypeNode && node.type.isNullable;
  return { name: node.name.text, type: decorated, nullable, default: given.value, doc };
}

function readType(node: TypeNode | null, known: ReadonlySet<string>): FieldType | null {
  if (!(node instanceof NamedTypeNode)) return null;
  const name = node.name.identifier.text;
  const [first = null, second = null] = node.typeArguments ?? [];
  if (name === "Array" || (name === "Map" && first !== null && textOf(first) === "string")) {
    const of = readType(name === "Array" ? first : second, known);
    return of === null || of.kind === "list" || of.kind === "map" ? null : { kind: name === "Array" ? "list" : "map", of };
  }
  if (name === "string") return { kind: "string", values: null };
  if (name === "bool" || name === "boolean") return { kind: "bool" };
  if (name === "f64" || name === "f32") return { kind: "float", range: null };
  if (INTEGERS.has(name)) return { kind: "int", name, range: null };
  if (UNITS.has(name)) return { kind: "unit", name: name as UnitName, range: null };
  return known.has(name) ? { kind: "nested", name } : null;
}

/** The type with `@range` or `@values` applied (to the items of lists and maps), or what is wrong. */
function decorate(type: FieldType, node: DecoratorNode): FieldType | string {
  if (type.kind === "list" || type.kind === "map") {
    const of = decorate(type.of, node);
    return typeof of === "string" ? of : { ...type, of };
  }
  const args = (node.args ?? []).map((arg) => literalOf(arg));
  if (isDecorator(node, "values")) {
    const values = args.filter((one) => typeof one === "string" && !one.includes(",")) as string[];
    if (type.kind !== "string") return "@values is for string fields";
    return values.length > 0 && values.length === args.length ? { ...type, values } : '@values("a", "b") takes texts without commas';
  }
  if (!isDecorator(node, "range")) return `${textOf(node.name)} is no decorator of configuration fields`;
  return rangeOn(type, node.args ?? [], args);
}

function rangeOn(type: FieldType, nodes: readonly Expression[], args: readonly unknown[]): FieldType | string {
  if (type.kind !== "int" && type.kind !== "float" && type.kind !== "unit") return "@range is for numbers and units";
  const [low, high] = nodes;
  if (low === undefined || high === undefined || nodes.length !== 2) return "@range takes two bounds: @range(0, 100)";
  if (type.kind === "unit" && type.name === "Rate") return "@range is not for rates";
  if (type.kind === "unit" && type.name !== "Percent") {
    const kind = type.name as "Duration" | "Size";
    const bounds = args.map((one) => (typeof one === "string" ? unitAmount(kind, one) : null));
    if (bounds.includes(null)) return `@range of a ${kind} takes two texts such as "1ms"`;
    return { ...type, range: { low: String(args[0]), high: String(args[1]) } };
  }
  if (args.some((one) => typeof one !== "number")) return "@range takes two numbers";
  return { ...type, range: { low: textOf(low), high: textOf(high) } };
}

/** The text of the doc comment right before a declaration, decorators in between allowed. */
function docOf(node: ClassDeclaration | FieldDeclaration): string {
  const start = Math.min(node.range.start, ...(node.decorators ?? []).map((one) => one.range.start));
  const before = node.range.source.text.slice(0, start).replace(/\s*(export|public|readonly|abstract|\s)*$/, "");
  const comment = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/$/.exec(before);
  if (comment === null) return "";
  return (comment[1] ?? "").replace(/^\s*\*[ ]?/gm, "").replace(/\s+/g, " ").trim();
}
