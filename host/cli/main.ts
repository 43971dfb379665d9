// The way in: finds the command, runs it, turns whatever went wrong into a message and an exit code.
import { toProblems } from "../base/problem.ts";
import { suggestion } from "../config/suggest.ts";
import { Args, type Command, type Context, readArgs, usageOf } from "./command.ts";
import { EXIT, exitCodeOf, UnreachableError, UsageError } from "./exit.ts";
import { helpText } from "./help.ts";
import { NOT_YET, TABLE } from "./table.ts";
import { type Output, Terminal, wantsColor } from "./terminal.ts";
import { VERSION } from "./version.ts";

export interface Surroundings {
  readonly stdout: Output;
  readonly stderr: Output;
  readonly env: NodeJS.ProcessEnv;
  readonly cwd: string;
}

/** Global flags may stand before the command, with their values. */
function findCommand(argv: readonly string[]): number {
  for (let at = 0; at < argv.length; at++) {
    const arg = argv[at] ?? "";
    if (!arg.startsWith("-")) return at;
    if (["-c", "--config", "--admin", "--log-format"].includes(arg)) at++;
  }
  return -1;
}

function unknownCommand(name: string): UsageError {
  if (NOT_YET.includes(name)) return new UsageError(`"sluice ${name}" is not supported yet`);
  const names = TABLE.map((entry) => entry.name);
  const near = suggestion(name, names);
  return new UsageError(`unknown command "${name}"`, near.startsWith("did") ? near : "sluice help lists the commands");
}

async function load(name: string): Promise<Command> {
  const entry = TABLE.find((one) => one.name === name);
  if (entry === undefined) throw unknownCommand(name);
  return entry.load();
}

function terminalFor(around: Surroundings, args: Args | null, argv: readonly string[]): Terminal {
  const has = (flag: string): boolean => (args === null ? argv.includes(`--${flag}`) : args.flag(flag));
  const isPlain = argv.includes("--no-color") || !wantsColor(around.stdout, around.env);
  return new Terminal({ ...around, json: has("json"), quiet: has("quiet"), color: !isPlain });
}

function report(error: unknown, terminal: Terminal): number {
  if (error instanceof UsageError) {
    terminal.error(`error[usage]: ${error.message}${error.hint === "" ? "" : `\n  help: ${error.hint}`}`);
  } else if (error instanceof UnreachableError) {
    terminal.error(error.message);
  } else {
    terminal.problems(toProblems(error));
  }
  return exitCodeOf(error);
}

async function help(argv: readonly string[], around: Surroundings): Promise<number> {
  const terminal = terminalFor(around, null, argv);
  const name = argv.find((arg) => !arg.startsWith("-") && arg !== "help");
  const color = wantsColor(around.stdout, around.env) && !argv.includes("--no-color");
  terminal.data(name === undefined ? helpText() : await usageOf(await load(name), color));
  return EXIT.ok;
}

async function dispatch(argv: readonly string[], around: Surroundings): Promise<number> {
  const at = findCommand(argv);
  const name = argv[at] ?? "help";
  const before = argv.slice(0, argv.includes("--") ? argv.indexOf("--") : argv.length);
  if (name === "help" || before.includes("--help") || before.includes("-h")) return help(before, around);
  const command = await load(name);
  const args = readArgs(command, argv.toSpliced(at, 1));
  const context: Context = { args, terminal: terminalFor(around, args, argv), env: around.env, cwd: around.cwd };
  return command.run(context);
}

/** Runs one command line and resolves to its exit code. Never rejects. */
export async function runCli(argv: readonly string[], around: Surroundings): Promise<number> {
  if (argv[0] === "--version" || argv[0] === "-V") {
    around.stdout.write(`sluice ${VERSION} (node ${process.version})\n`);
    return EXIT.ok;
  }
  try {
    return await dispatch(argv, around);
  } catch (error) {
    return report(error, terminalFor(around, null, argv));
  }
}

/** Runs the process's command line. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that goes away (`sluice stats | head`) is not a failure worth a stack.
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code === "EPIPE") process.exit(EXIT.ok);
  });
  const { stdout, stderr, env } = process;
  process.exitCode = await runCli(argv, { stdout, stderr, env, cwd: process.cwd() });
}
