// asc transform: tells `definePlugin` whether new objects of the filter class all look the same, so that the SDK may use the
// object of a finished stream again instead of making garbage (assembly/recycle.ts). Sure or not at all: the class extends the
// SDK's own, fields begin as literals or as constructor parameters, and the constructor does nothing but call `super()`.
import {
  CallExpression,
  ClassDeclaration,
  type Expression,
  ExpressionStatement,
  FieldDeclaration,
  MethodDeclaration,
  Parser,
  type Statement,
  SuperExpression,
} from "assemblyscript";
import { literalOf } from "./config-literal.ts";
import { pluginCalls } from "./entry.ts";
import { placeAt } from "./place.ts";
import { textOf } from "./problem.ts";

const BASES: ReadonlySet<string> = new Set(["HttpFilter", "TcpFilter"]);
// asc's CommonFlags.Static, a const enum.
const STATIC = 32;

export class RecycleTransform {
  afterParse(parser: Parser): void {
    const classes = parser.sources.flatMap(({ statements }) => statements.filter((one) => one instanceof ClassDeclaration));
    for (const call of pluginCalls(parser)) {
      const filter = call.typeArguments?.[1];
      const named = classes.filter(({ name }) => filter !== undefined && name.text === textOf(filter));
      // Two classes of one name: which is meant is asc's to find out.
      if (named.length === 1 && named.every(beginsTheSame)) call.args.push(trueAt(call));
    }
  }
}

function trueAt(call: CallExpression): Expression {
  const parser = new Parser();
  parser.parseFile("true;", call.range.source.normalizedPath, false);
  const [statement] = parser.sources[0]?.statements ?? [];
  if (!(statement instanceof ExpressionStatement)) throw new Error("the generated argument is malformed");
  placeAt(statement, call);
  return statement.expression;
}

function beginsTheSame({ extendsType, members }: ClassDeclaration): boolean {
  return BASES.has(extendsType?.name.identifier.text ?? "") && members.every((member) => isPlain(member));
}

function isPlain(member: Statement): boolean {
  if (member instanceof FieldDeclaration) {
    if ((member.flags & STATIC) !== 0 || member.parameterIndex >= 0 || member.initializer === null) return true;
    return isPlainLiteral(member.initializer);
  }
  if (!(member instanceof MethodDeclaration) || member.name.text !== "constructor") return true;
  const body = member.body as (Statement & { readonly statements?: readonly Statement[] }) | null;
  return (body?.statements ?? (body === null ? [] : [body])).every((statement) => isSuperCall(statement));
}

/** A number, a text, true, false or null: an array literal is a new object each time. */
function isPlainLiteral(node: Expression): boolean {
  const value = literalOf(node);
  return value === null || (value !== undefined && typeof value !== "object");
}

function isSuperCall(statement: Statement): boolean {
  const call = statement instanceof ExpressionStatement ? statement.expression : null;
  return call instanceof CallExpression && call.expression instanceof SuperExpression && call.args.length === 0;
}
