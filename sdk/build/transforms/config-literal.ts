// Literals in asc's syntax tree as JSON values: defaults of fields and arguments of decorators.
import {
  ArrayLiteralExpression,
  CallExpression,
  type Expression,
  FloatLiteralExpression,
  IdentifierExpression,
  IntegerLiteralExpression,
  NewExpression,
  PropertyAccessExpression,
  StringLiteralExpression,
  UnaryPrefixExpression,
} from "assemblyscript";
import type { FieldType } from "./config-model.ts";
import { textOf } from "./problem.ts";
import { PATTERNS } from "./units.ts";

/** The value of a literal; undefined for anything that must be computed. */
export function literalOf(node: Expression): unknown {
  if (node instanceof StringLiteralExpression) return node.value;
  if (node instanceof IntegerLiteralExpression || node instanceof FloatLiteralExpression) {
    return Number(textOf(node).replaceAll("_", ""));
  }
  if (node instanceof UnaryPrefixExpression && textOf(node).startsWith("-")) {
    const value = literalOf(node.operand);
    return typeof value === "number" ? -value : undefined;
  }
  if (node instanceof IdentifierExpression) return { true: true, false: false, null: null }[node.text];
  if (node instanceof ArrayLiteralExpression) {
    const items = node.elementExpressions.map((item) => literalOf(item));
    return items.includes(undefined) ? undefined : items;
  }
  return undefined;
}

/** The default a field declares, or a sentence when it can be seen to be wrong. */
export function defaultOf(node: Expression | null, type: FieldType): { readonly value: unknown } | string {
  if (node === null) return { value: undefined };
  if (node instanceof NewExpression) return { value: emptyOf(node, type) };
  const unit = unitArgument(node);
  if (unit !== undefined) return type.kind === "unit" ? checkUnit(type.name, unit) : { value: undefined };
  return { value: literalOf(node) };
}

/** `new Map<string, string>()` and `new Array<string>()` are `{}` and `[]`; nested classes have defaults of their own. */
function emptyOf(node: NewExpression, type: FieldType): unknown {
  if (node.args.length > 0) return undefined;
  if (type.kind === "map") return {};
  return type.kind === "list" ? [] : undefined;
}

/** The argument of `Duration.of("1s")` and its kin. */
function unitArgument(node: Expression): unknown {
  if (!(node instanceof CallExpression) || !(node.expression instanceof PropertyAccessExpression)) return undefined;
  const [argument] = node.args;
  return node.expression.property.text === "of" && argument !== undefined ? literalOf(argument) : undefined;
}

function checkUnit(name: "Duration" | "Size" | "Percent" | "Rate", value: unknown): { readonly value: unknown } | string {
  if (name === "Percent") {
    const fits = typeof value === "number" && value >= 0 && value <= 100;
    return fits ? { value } : "a percent is a number from 0 to 100";
  }
  if (typeof value === "string" && new RegExp(PATTERNS[name]).test(value)) return { value };
  return `not a ${name.toLowerCase()}: write one such as ${{ Duration: '"250ms"', Size: '"16MiB"', Rate: '"100/s"' }[name]}`;
}
