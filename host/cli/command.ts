// What a command is, and the only file that knows citty: reading arguments and drawing help. citty ignores flags it does
// not know and keeps only the last of a repeated one; a contract cannot, so both are seen to here.
import { stripVTControlCharacters } from "node:util";
import { type ArgsDef, defineCommand, parseArgs, renderUsage } from "citty";
import { UsageError } from "./exit.ts";
import { suggestion } from "../config/suggest.ts";
import type { Terminal } from "./terminal.ts";

export interface Context {
  readonly args: Args;
  readonly terminal: Terminal;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

export interface Command {
  readonly name: string;
  readonly summary: string;
  /** Flags and positionals in citty's words. */
  readonly args: ArgsDef;
  /** Name of any number of further positionals, if they are taken. */
  readonly rest?: string;
  /** Resolves to the exit code. */
  run(context: Context): Promise<number>;
}

/** Flags every command has. */
export const GLOBAL_ARGS = {
  config: { type: "string", alias: "c", description: "Config file", valueHint: "file" },
  admin: { type: "string", description: "Admin API to talk to", valueHint: "host:port" },
  json: { type: "boolean", description: "Data as JSON" },
  quiet: { type: "boolean", alias: "q", description: "No messages but failures" },
  verbose: { type: "boolean", alias: "v", description: "More messages" },
  color: { type: "boolean", default: true, description: "Colours", negativeDescription: "No colours (also NO_COLOR)" },
  "log-format": { type: "enum", options: ["pretty", "json"], description: "Log lines; pretty only on a terminal" },
  help: { type: "boolean", alias: "h", description: "This text" },
} as const satisfies ArgsDef;

const defsOf = (command: Command): ArgsDef => ({ ...command.args, ...GLOBAL_ARGS });
const aliasesOf = (alias: string | string[] | undefined): readonly string[] =>
  alias === undefined ? [] : [alias].flat();

/** Arguments of one run, read by name. */
export class Args {
  /** Positionals beyond the named ones, and what follows `--`. */
  readonly rest: readonly string[];
  /** What follows `--`: the end of {@link rest}. */
  readonly dashed: readonly string[];
  readonly #values: Readonly<Record<string, unknown>>;
  readonly #lists: ReadonlyMap<string, readonly string[]>;

  constructor(
    values: Readonly<Record<string, unknown>>,
    lists: ReadonlyMap<string, readonly string[]>,
    rest: readonly string[],
    dashed: readonly string[] = [],
  ) {
    this.#values = values;
    this.#lists = lists;
    this.rest = rest;
    this.dashed = dashed;
  }

  flag(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === "string" ? value : undefined;
  }

  /** Every value of a repeated flag. */
  list(name: string): readonly string[] {
    return this.#lists.get(name) ?? [];
  }

  /** A whole number within bounds. @throws UsageError */
  integer(name: string, min: number, max: number): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    const value = Number(text);
    if (/^\d+$/.test(text) && value >= min && value <= max) return value;
    throw new UsageError(`--${name}: expected a whole number from ${min} to ${max}, got "${text}"`);
  }
}

interface FlagUse {
  readonly name: string;
  /** What follows `=`, or undefined. */
  readonly inline: string | undefined;
}

function splitFlag(arg: string): FlagUse {
  const at = arg.indexOf("=");
  const name = (at < 0 ? arg : arg.slice(0, at)).replace(/^-+/, "");
  return { name, inline: at < 0 ? undefined : arg.slice(at + 1) };
}

/** The definition a flag on the command line means: its long name, or null. */
function resolveFlag(name: string, defs: ArgsDef): string | null {
  for (const [long, def] of Object.entries(defs)) {
    if (def.type === "positional") continue;
    if (name === long || aliasesOf("alias" in def ? def.alias : undefined).includes(name)) return long;
    if (def.type === "boolean" && name === `no-${long}`) return long;
  }
  return null;
}

function unknownFlag(arg: string, defs: ArgsDef): UsageError {
  const known = Object.entries(defs).filter(([, def]) => def.type !== "positional");
  const near = suggestion(
    splitFlag(arg).name,
    known.map(([name]) => name),
  );
  return new UsageError(`unknown flag ${arg.split("=")[0]}`, near.startsWith("did") ? near.replace('"', '"--') : "");
}

interface Scanned {
  readonly lists: Map<string, string[]>;
  readonly positionals: string[];
}

/** Walks the raw arguments as citty will, refusing what citty would overlook. */
function scan(raw: readonly string[], defs: ArgsDef): Scanned {
  const lists = new Map<string, string[]>();
  const positionals: string[] = [];
  for (let at = 0; at < raw.length; at++) {
    const arg = raw[at] ?? "";
    if (arg === "--") return { lists, positionals: [...positionals, ...raw.slice(at + 1)] };
    if (!arg.startsWith("-") || arg === "-") {
      positionals.push(arg);
      continue;
    }
    const { name, inline } = splitFlag(arg);
    const long = resolveFlag(name, defs);
    if (long === null) throw unknownFlag(arg, defs);
    if (defs[long]?.type === "boolean") continue;
    const value = inline ?? raw[++at];
    if (value === undefined) throw new UsageError(`${arg} needs a value`);
    lists.set(long, [...(lists.get(long) ?? []), value]);
  }
  return { lists, positionals };
}

/** Raw arguments -> {@link Args}. @throws UsageError */
export function readArgs(command: Command, raw: readonly string[]): Args {
  const defs = defsOf(command);
  const { lists, positionals } = scan(raw, defs);
  const named = Object.values(defs).filter((def) => def.type === "positional").length;
  const rest = positionals.slice(named);
  if (rest.length > 0 && command.rest === undefined) throw new UsageError(`unexpected argument "${rest[0]}"`);
  try {
    // Values go through citty as `--name=value`, so that one that begins with a dash is still a value.
    const flags = raw
      .slice(0, raw.includes("--") ? raw.indexOf("--") : raw.length)
      .filter((arg) => isBoolean(arg, defs));
    const values = [...lists].map(([name, given]) => `--${name}=${given.at(-1)}`);
    const parsed = parseArgs([...flags, ...values, "--", ...positionals], defs);
    return new Args(parsed, lists, rest, raw.includes("--") ? raw.slice(raw.indexOf("--") + 1) : []);
  } catch (error) {
    throw new UsageError(stripVTControlCharacters(error instanceof Error ? error.message : String(error)));
  }
}

function isBoolean(arg: string, defs: ArgsDef): boolean {
  const long = arg.startsWith("-") ? resolveFlag(splitFlag(arg).name, defs) : null;
  return long !== null && defs[long]?.type === "boolean";
}

/** The help of one command. */
export async function usageOf(command: Command, color: boolean): Promise<string> {
  const { name, summary, rest } = command;
  const more = rest === undefined ? {} : { [`${rest}...`]: { type: "positional", required: false } as const };
  const args: ArgsDef = { ...command.args, ...more, ...GLOBAL_ARGS };
  const text = await renderUsage(defineCommand({ meta: { name: `sluice ${name}`, description: summary }, args }));
  return color ? text : stripVTControlCharacters(text);
}

/** Every flag of a command as one types it, with its description: completion and the man page are made from this. */
export function flagsOf(command: Command): readonly { readonly name: string; readonly description: string }[] {
  return Object.entries(defsOf(command)).flatMap(([name, def]) => {
    if (def.type === "positional") return [];
    // What is on by default is only ever switched off.
    if (def.type !== "boolean" || def.default !== true) return [{ name, description: def.description ?? "" }];
    return [{ name: `no-${name}`, description: def.negativeDescription ?? "" }];
  });
}
