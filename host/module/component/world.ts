// Is a component a filter, and one of this host's world? Judged by what its own WIT text says it wants and offers, and by
// the declarations of its types. Everything wrong is said at once, each with its remedy.
// See RATIONALE: "Why may a filter component import nothing but its host?"
import type { Problem } from "../../base/problem.ts";
import type { Transpiled } from "./transpiled.ts";

export const WORLD = "sluice:filter/http-filter@0.1.0";
const PACKAGE = "sluice:filter";
const VERSION = "0.1.0";

/** Exports the host calls, with their types as WIT text. */
const EXPORTS: Readonly<Record<string, string>> = {
  "on-configure": "func(config: string) -> result<_, string>",
  "on-request": "func(req: request) -> action",
  "on-response": "func(res: response) -> action",
};
/** Types by name as jco declares them in TypeScript: same words, same shape for the host. */
const TYPES: Readonly<Record<string, string>> = {
  Headers: "Array<[string, string]>",
  Request: "{ method: string, path: string, authority: string, scheme: string, headers: Headers, }",
  Response: "{ status: number, headers: Headers, }",
  LocalResponse: "{ status: number, headers: Headers, body: Uint8Array, }",
  Mutation: "{ set: Headers, remove: Array<string>, }",
  Action: "ActionContinue | ActionMutate | ActionRespond",
  ActionContinue: "{ tag: 'continue', }",
  ActionMutate: "{ tag: 'mutate', val: Mutation, }",
  ActionRespond: "{ tag: 'respond', val: LocalResponse, }",
};
const HOST: Readonly<Record<string, string>> = {
  log: "(l: Level, msg: string): void",
  getConfig: "(): string",
  Level: "'trace' | 'debug' | 'info' | 'warn' | 'error' | 'critical'",
};

export interface WorldItem {
  readonly name: string;
  /** WIT text of a function; "" for an interface. */
  readonly type: string;
}

/** What the component's own world imports and exports. */
export interface ComponentWorld {
  readonly imports: readonly WorldItem[];
  readonly exports: readonly WorldItem[];
}

// "  export on-request: func(req: request) -> action;" and "  import wasi:io/error@0.2.0;"
const ITEM = /^ {2}(import|export) ([^\s;]+?)(?:: ([^;{]+)[;{]|;)/gm;

export function readWorld(wit: string): ComponentWorld {
  const all = [...wit.matchAll(ITEM)].map(([, side, name = "", type = ""]) => ({ side, name, type: type.trim() }));
  const of = (side: string): WorldItem[] =>
    all.filter((item) => item.side === side).map(({ name, type }) => ({ name, type }));
  return { imports: of("import"), exports: of("export") };
}

const problem = (code: string, message: string, hint: string): Problem => ({ kind: "abi", code, message, hint });

/** What keeps it from being a filter; empty for a good one. */
export function judgeWorld(transpiled: Transpiled): readonly Problem[] {
  const world = readWorld(transpiled.wit);
  const ours = world.exports.filter(({ name }) => Object.hasOwn(EXPORTS, name));
  // What it imports belongs to that other world.
  if (ours.every(({ name }) => name === "on-configure")) return [otherWorld(world.exports)];
  return [...judgeExports(ours), ...world.imports.flatMap(judgeImport), ...judgeTypes(transpiled.types)];
}

function judgeExports(ours: readonly WorldItem[]): Problem[] {
  return ours.flatMap(({ name, type }) =>
    type === EXPORTS[name]
      ? []
      : [
          problem(
            "other_types",
            `${name} is ${type}, expected ${EXPORTS[name]}`,
            `build it against sdk/wit/sluice-filter.wit of ${PACKAGE}@${VERSION}`,
          ),
        ],
  );
}

/** Worlds one meets, what they are called, and what to do with their components. */
const KNOWN: readonly (readonly [export_: string, world: string, hint: string])[] = [
  ["wasi:cli/run@", "wasi:cli/command", "run it with `sluice run`"],
  ["wasi:http/incoming-handler@", "wasi:http/proxy", "serve it with `sluice serve`"],
  [
    "sluice:proxy-wasm/",
    "sluice:proxy-wasm",
    "it wraps a proxy-wasm module: name that module as the filter's source, it is also faster",
  ],
];

function otherWorld(exports: readonly WorldItem[]): Problem {
  const names = exports.map(({ name }) => name);
  const known = KNOWN.find(([prefix]) => names.some((name) => name.startsWith(prefix)));
  const what = names.length === 0 ? "nothing" : names.slice(0, 8).join(", ");
  const built = known === undefined ? "" : `, as ${known[1]} does`;
  return problem(
    "other_world",
    `a component built for another world: it exports ${what}${built}; expected on-request or on-response of ${WORLD}`,
    known?.[2] ?? "build it against sdk/wit/sluice-filter.wit",
  );
}

function judgeImport({ name }: WorldItem): Problem[] {
  const [path = "", version = ""] = name.split("@");
  const isOurs = path === `${PACKAGE}/host` || path === `${PACKAGE}/types`;
  if (isOurs && version === VERSION) return [];
  if (isOurs) {
    const message = `built for ${PACKAGE}@${version}; this host has ${VERSION}`;
    return [problem("other_version", message, `build it against sdk/wit/sluice-filter.wit, version ${VERSION}`)];
  }
  if (path.startsWith("wasi:")) return [problem("not_granted", `asks for ${name}, ${NEVER}`, WASI_HINT)];
  const hint = `a filter imports ${PACKAGE}/host@${VERSION} and nothing else`;
  return [problem("unknown_import", `imports ${name}, which this host does not offer`, hint)];
}

const NEVER = "which no filter is given: filters reach nothing but the request they are called for";
const WASI_HINT =
  "build without it (Rust: wasm32-unknown-unknown; JavaScript: sluice componentize stubs it), or see what pulls it in with `sluice wit`";

/** A type that has our name must have our shape. */
function judgeTypes(types: Readonly<Record<string, string>>): Problem[] {
  const files: readonly (readonly [string, Readonly<Record<string, string>>])[] = [
    ["sluice-filter-types.d.ts", TYPES],
    ["sluice-filter-host.d.ts", HOST],
  ];
  return files.flatMap(([ending, expected]) => {
    const text = Object.entries(types).find(([name]) => name.endsWith(ending))?.[1] ?? "";
    return declarations(text).flatMap(([name, shape]) => {
      if (expected[name] === shape) return [];
      const message = `${name} is ${shape}; ${PACKAGE}@${VERSION} has ${expected[name] ?? "no such name"}`;
      return [problem("other_types", message, `build it against sdk/wit/sluice-filter.wit of ${PACKAGE}@${VERSION}`)];
    });
  });
}

/** `export type A = B;`, `export interface A {…}` and `export function a(…): B;` as name and shape, in one line each. */
function declarations(text: string): readonly (readonly [name: string, shape: string])[] {
  const plain = text.replaceAll(/\/\*[\s\S]*?\*\//g, "").replaceAll(/\s+/g, " ");
  return [...plain.matchAll(/export (?:type|interface|function) (\w+)(?: =)? ?([^;]*?)(?:;|(?= export )|$)/g)].map(
    ([, name = "", shape = ""]) => [name, shape.trim()] as const,
  );
}
