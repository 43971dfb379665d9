// What the entry of a filter must hold: the re-export of the callbacks, and one definePlugin.
import {
  CallExpression,
  ExportStatement,
  ExpressionStatement,
  type Expression,
  IdentifierExpression,
  type Parser,
  Range,
  type Source,
  type Statement,
  StringLiteralExpression,
} from "assemblyscript";
import { type SourceProblem, textOf } from "./problem.ts";

export interface Entry {
  readonly pluginName: string;
  /** Name of the config class as written. */
  readonly configClass: string;
}

// asc's SourceKind, a const enum: 1 = an entry. The runtime (~lib/rt) is one as well.
const USER_ENTRY = 1;

/** Finds both; what is missing goes to `problems`, with the line to add. */
export function readEntry(parser: Parser, problems: SourceProblem[]): Entry {
  const own = ownSources(parser);
  const entry = own.find((source) => source.sourceKind === USER_ENTRY) ?? own[0];
  if (entry === undefined) return { pluginName: "", configClass: "" };
  const top = new Range(0, 0);
  top.source = entry;
  if (!entry.statements.some(isReExport)) {
    problems.push({ range: top, message: 'the callbacks are missing, add: export * from "@sluice/sdk/proxy";' });
  }
  const [call] = pluginCalls(parser);
  if (call === undefined) {
    problems.push({ range: top, message: 'no plugin is declared, add: definePlugin<MyConfig, MyFilter>("my-filter");' });
    return { pluginName: "", configClass: "" };
  }
  return readCall(call, problems);
}

function ownSources(parser: Parser): Source[] {
  return parser.sources.filter((source) => !source.isLibrary && !source.normalizedPath.startsWith("~lib/"));
}

/** Every `definePlugin` at the top level of the author's files. */
export function pluginCalls(parser: Parser): CallExpression[] {
  return ownSources(parser).flatMap((source) => source.statements.flatMap(pluginCall));
}

function isReExport(statement: Statement): boolean {
  return (
    statement instanceof ExportStatement && statement.members === null && statement.path?.value === "@sluice/sdk/proxy"
  );
}

function pluginCall(statement: Statement): CallExpression[] {
  const call = statement instanceof ExpressionStatement ? statement.expression : null;
  if (!(call instanceof CallExpression) || !(call.expression instanceof IdentifierExpression)) return [];
  return /^definePlugin(WithRoot)?$/.test(call.expression.text) ? [call] : [];
}

function readCall(call: CallExpression, problems: SourceProblem[]): Entry {
  const [config] = call.typeArguments ?? [];
  const name: Expression | undefined = call.args[0];
  if (config === undefined || !(name instanceof StringLiteralExpression)) {
    problems.push({ range: call.range, message: 'write it as definePlugin<MyConfig, MyFilter>("my-filter")' });
    return { pluginName: "", configClass: "" };
  }
  return { pluginName: name.value, configClass: textOf(config) };
}
