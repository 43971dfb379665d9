// What a binary is, and how the runner treats it: a proxy around a filter, a program that runs to its end, or a server
// (surface.md 2.1). Called by `sluice run` and `sluice serve`.
import { problemError } from "../base/problem.ts";
import { kindOfWorld } from "../runner/component-world.ts";
import type { CoreProgram } from "../runner/core-command.ts";
import type { Outcome } from "../runner/grants.ts";
import type { Transpiled } from "../module/component/transpiled.ts";
import type { Context } from "./command.ts";
import { readModule } from "./commands/inspect.ts";
import { UsageError } from "./exit.ts";
import { loadInspect } from "./parts.ts";
import { readGrants } from "./runner-flags.ts";
import { takeApart } from "./take-apart.ts";

export interface CoreBinary {
  readonly kind: "core";
  readonly program: CoreProgram;
  readonly isCommand: boolean;
}
export type Binary =
  | { readonly kind: "filter" }
  | CoreBinary
  | { readonly kind: "command"; readonly transpiled: Transpiled }
  | { readonly kind: "server"; readonly transpiled: Transpiled };

/** @throws UsageError, or ProblemError for what no command can run */
export async function readBinary(context: Context, file: string): Promise<Binary> {
  if (!file.endsWith(".wasm"))
    throw new UsageError(`expected a .wasm, got "${file}"`, "a config is named with -c: sluice run -c sluice.yaml");
  const bytes = await readModule(context, file);
  const info = (await loadInspect())(bytes);
  if (info.kind === "unknown")
    throw problemError("abi", "not_wasm", `${file} is not WebAssembly`, { hint: "build one with `sluice build`" });
  if (info.kind === "core") {
    if (info.abiVersion !== null) return { kind: "filter" };
    return { kind: "core", program: { bytes, info, file }, isCommand: info.start === "_start" };
  }
  const transpiled = await takeApart(bytes, file, context.cwd);
  const kind = transpiled === null ? "other" : kindOfWorld(transpiled.wit);
  if (transpiled === null || kind === "other") throw otherWorld(file);
  return kind === "filter" ? { kind } : { kind, transpiled };
}

const otherWorld = (file: string): Error =>
  problemError("abi", "other_world", `${file} is a component of a world that nothing here runs`, {
    hint: "filters export on-request or on-response, programs wasi:cli/run, servers wasi:http/incoming-handler; see `sluice wit`",
  });

/** Runs a program to its end; the exit code of the guest. @throws ProblemError, UsageError */
export async function runProgram(context: Context, file: string, binary: Exclude<Binary, { kind: "filter" }>) {
  const name = context.args.text("invoke");
  if (binary.kind === "server")
    throw new UsageError(`${file} is a server (wasi:http/proxy); it does not run to an end`, `sluice serve ${file}`);
  if (binary.kind !== "core") {
    if (name !== undefined) throw new UsageError("--invoke calls exports of core modules; this is a component");
    const { runCommand } = await import("../runner/command.ts");
    return ended(context, await runCommand(binary.transpiled, file, readGrants(context, file)));
  }
  const { invokeCore, runCore } = await import("../runner/core-command.ts");
  const grants = readGrants(context, file);
  if (name === undefined) {
    if (!binary.isCommand) throw new UsageError(`${file} has no _start`, exportsHint(binary.program));
    return ended(context, await runCore(binary.program, grants));
  }
  const outcome = await invokeCore(binary.program, { name, args: context.args.rest }, grants);
  if (context.terminal.json) context.terminal.object({ results: outcome.results.map(String), fuel: outcome.fuelUsed });
  else for (const result of outcome.results) context.terminal.data(String(result));
  return ended(context, outcome);
}

function exportsHint({ info }: CoreProgram): string {
  const names = info.exports.filter(({ kind }) => kind === "func").map(({ name }) => name);
  return names.length === 0
    ? "and it exports no functions"
    : `call an export: --invoke ${names[0]} (it has ${names.join(", ")})`;
}

function ended({ terminal }: Context, { code, fuelUsed }: Outcome): number {
  if (fuelUsed !== null) terminal.note(`fuel: ${fuelUsed} points used`);
  return code;
}
