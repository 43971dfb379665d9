// What the SDK's doors export, read from its sources with asc's own parser: names, signatures, documentation. Made into
// sdk/api-report.md (`npm run api-report`), which a test compares, so that the API changes only on purpose.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import {
  ClassDeclaration,
  EnumDeclaration,
  ExportStatement,
  FieldDeclaration,
  FunctionDeclaration,
  MethodDeclaration,
  type Node,
  Parser,
  type Source,
  VariableStatement,
} from "assemblyscript";

export interface ApiMember {
  readonly name: string;
  /** One line: `add(count: i64 = 1): bool`. */
  readonly signature: string;
  /** "" when there is none. */
  readonly doc: string;
  /** Documented where it is declared first. */
  readonly isOverride: boolean;
}

export interface ApiExport extends ApiMember {
  /** Relative to the SDK's folder. */
  readonly file: string;
  readonly members: readonly ApiMember[];
}

// asc's CommonFlags, a const enum.
const PRIVATE = 1 << 9;
const PROTECTED = 1 << 10;

/** Everything that `door` (a file of the SDK) exports, in its order. */
export function readApi(folder: string, door: string): ApiExport[] {
  const exports = parse(folder, door).statements.filter((one) => one instanceof ExportStatement);
  return exports.flatMap((statement) => {
    const file = join(door, "..", `${statement.path?.value ?? ""}.ts`);
    const source = parse(folder, existsSync(join(folder, file)) ? file : file.replace(/\.ts$/, "/index.ts"));
    return (statement.members ?? []).map((member) => readExport(source, member.localName.text, file));
  });
}

function parse(folder: string, file: string): Source {
  const parser = new Parser();
  parser.parseFile(readFileSync(join(folder, file), "utf8"), file, true);
  const [source] = parser.sources;
  if (source === undefined) throw new Error(`${file} has no source`);
  return source;
}

function readExport(source: Source, name: string, file: string): ApiExport {
  for (const statement of source.statements) {
    const declarations = statement instanceof VariableStatement ? statement.declarations : [statement];
    const found = declarations.find((one) => "name" in one && (one as { name: { text: string } }).name.text === name);
    if (found === undefined) continue;
    const members = found instanceof ClassDeclaration ? membersOf(found) : [];
    const values = found instanceof EnumDeclaration ? found.values.map((value) => memberOf(value, value.name.text)) : [];
    return { ...memberOf(statement, name), file, members: [...members, ...values] };
  }
  throw new Error(`${file} does not declare ${name}`);
}

function membersOf(declaration: ClassDeclaration): ApiMember[] {
  return declaration.members.flatMap((member) => {
    const isOwn = member instanceof MethodDeclaration || member instanceof FieldDeclaration;
    if (!isOwn || (member.flags & (PRIVATE | PROTECTED)) !== 0) return [];
    // Fields that the constructor's parameters declare are shown there.
    if (member instanceof FieldDeclaration && member.parameterIndex >= 0) return [];
    return [memberOf(member, member.name.text)];
  });
}

function memberOf(node: Node, name: string): ApiMember {
  const { text } = node.range.source;
  const start = startOf(text, node.range.start);
  return {
    name,
    signature: signatureOf(text.slice(start, node.range.end), node),
    doc: docBefore(text, start),
    isOverride: /^(?:@\w+\S* )*(?:override|public override) /.test(text.slice(start)),
  };
}

/** Modifiers and decorators in front of a node belong to it. */
function startOf(text: string, at: number): number {
  const before = /(?:(?:export|declare|abstract|static|readonly|override|public|get|set|@\w+(?:\([^)]*\))?)\s+)+$/.exec(text.slice(0, at));
  return at - (before?.[0].length ?? 0);
}

function docBefore(text: string, start: number): string {
  const comment = /\/\*\*((?:(?!\*\/)[^])*)\*\/\s*$/.exec(text.slice(0, start));
  const lines = (comment?.[1] ?? "").split("\n").map((line) => line.replace(/^\s*\*?\s?/, "").trim());
  return lines.filter((line) => line !== "").join(" ");
}

/** Up to the body; fields and constants with their values. */
function signatureOf(text: string, node: Node): string {
  const plain = text.replaceAll(/\/\*[^]*?\*\/|\/\/[^\n]*/g, " ");
  const hasBody = node instanceof FunctionDeclaration || node instanceof MethodDeclaration || node instanceof ClassDeclaration;
  const head = hasBody || node instanceof EnumDeclaration ? plain.slice(0, bodyAt(plain)) : plain;
  return head
    .replace(/^((?:@\w+\S*\s+)*)(?:export|declare)\s+/, "$1")
    .replaceAll(/\s+/g, " ")
    .replaceAll(/\( /g, "(")
    .replaceAll(/,? \)/g, ")")
    .replace(/;$/, "")
    .trim();
}

/** Index of the `{` that opens the body: the first outside of parentheses. */
function bodyAt(text: string): number {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    if (text[at] === "(") depth++;
    else if (text[at] === ")") depth--;
    else if (text[at] === "{" && depth === 0) return at;
  }
  return text.length;
}
