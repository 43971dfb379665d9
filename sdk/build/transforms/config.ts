// asc transform: classes marked `@config` get a generated decoder, and the plugin's own one a JSON Schema. The decoder is
// written as text, parsed by asc's own parser, and its members are moved into the author's class: no visitor library.
import { ClassDeclaration, Parser, type Source } from "assemblyscript";
import { decoderText } from "./config-decoder.ts";
import { type ConfigClass, isDecorator, readClass } from "./config-model.ts";
import { allFields, configSchema } from "./config-schema.ts";
import { readEntry } from "./entry.ts";
import { placeAt } from "./place.ts";
import { type SourceProblem, TransformStopped } from "./problem.ts";

interface Marked {
  readonly node: ClassDeclaration;
  readonly source: Source;
}

/** One per compilation; results are read from its fields afterwards. */
export class ConfigTransform {
  readonly problems: SourceProblem[] = [];
  /** Name given to `definePlugin`. */
  pluginName = "";
  schema: object | null = null;

  afterParse(parser: Parser): void {
    const marked = parser.sources.flatMap((source) => takeMarked(source));
    const classes = new Map<string, ConfigClass>();
    const known = new Set(marked.map((one) => one.node.name.text));
    for (const { node } of marked) {
      if (classes.has(node.name.text)) this.#say(node, `two @config classes are named ${node.name.text}`);
      classes.set(node.name.text, readClass(node, known, this.problems));
    }
    for (const { node } of marked) this.#refuseRings(node, classes);
    const entry = readEntry(parser, this.problems);
    if (this.problems.length > 0) throw new TransformStopped();
    for (const one of marked) graft(one, classes.get(one.node.name.text));
    this.pluginName = entry.pluginName;
    const root = classes.get(entry.configClass);
    if (root !== undefined) this.schema = configSchema(root, classes, entry.pluginName);
  }

  #say(node: ClassDeclaration, message: string): void {
    this.problems.push({ range: node.name.range, message });
  }
  /** A class that holds itself has no written-out schema, and its default value no end. */
  #refuseRings(node: ClassDeclaration, classes: ReadonlyMap<string, ConfigClass>): void {
    const seen = new Set<string>();
    const visit = (name: string): boolean => {
      const config = classes.get(name);
      if (config === undefined || seen.has(name)) return false;
      seen.add(name);
      return allFields(config, classes).some(({ type }) => {
        const inner = type.kind === "list" || type.kind === "map" ? type.of : type;
        return inner.kind === "nested" && (inner.name === node.name.text || visit(inner.name));
      });
    };
    if (visit(node.name.text)) this.#say(node, `${node.name.text} contains itself`);
  }
}

/** The `@config` classes of a source; the decorator is removed, asc would call it unknown. */
function takeMarked(source: Source): Marked[] {
  const found: Marked[] = [];
  for (const node of source.statements) {
    if (!(node instanceof ClassDeclaration)) continue;
    const decorators = node.decorators ?? [];
    if (!decorators.some((one) => isDecorator(one, "config"))) continue;
    node.decorators = decorators.filter((one) => !isDecorator(one, "config"));
    found.push({ node, source });
  }
  return found;
}

function graft({ node, source }: Marked, config: ConfigClass | undefined): void {
  if (config === undefined) return;
  const parser = new Parser();
  parser.parseFile(decoderText(config), source.normalizedPath, false);
  const [reader, shell] = parser.sources[0]?.statements ?? [];
  if (reader === undefined || !(shell instanceof ClassDeclaration)) throw new Error("the generated decoder is malformed");
  for (const part of [reader, shell]) placeAt(part, node.name);
  // One import serves all classes of a file.
  if (!importing.has(source)) source.statements.unshift(reader);
  importing.add(source);
  node.members.push(...shell.members);
}

const importing = new WeakSet<Source>();
