// `sluice bench <filter>`: nanoseconds, fuel, memory and size of a filter's callbacks; with --against beside another build of
// it: a .wasm, another filter, or the same filter at a commit.
import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { ProblemError } from "../../base/problem.ts";
import type { Command, Context } from "../command.ts";
import { compileEntry, withCompiler } from "../compile.ts";
import { EXIT, UsageError } from "../exit.ts";
import { findSources } from "../filter-sources.ts";
import { checkOutEntry } from "../git-checkout.ts";
import { type FilterCompiler, type FilterCost, loadBench } from "../parts.ts";
import { parseHeader, textOrFile } from "./call.ts";
import { readModule } from "./inspect.ts";

const BODY = Buffer.from("x".repeat(1024));

async function compiled(entry: string, compiler: FilterCompiler, cwd: string): Promise<Uint8Array> {
  const outcome = await compileEntry(compiler, entry, { mode: "release", cwd });
  if (outcome.compiled === null) throw new ProblemError(outcome.problems);
  return outcome.compiled.wasm;
}

/** A module by what one types: a .wasm, or a filter (release build). */
async function moduleOf(what: string, compiler: FilterCompiler, context: Context): Promise<Uint8Array> {
  if (what.endsWith(".wasm")) return readModule(context, what);
  const [source] = await findSources(context, [what]);
  if (source === undefined) throw new UsageError(`there is no filter "${what}"`);
  return compiled(source.entry, compiler, context.cwd);
}

async function otherOf(
  against: string,
  filter: string,
  compiler: FilterCompiler,
  context: Context,
): Promise<Uint8Array> {
  if (against.endsWith(".wasm") || existsSync(resolve(context.cwd, against)))
    return moduleOf(against, compiler, context);
  const [source] = await findSources(context, [filter]);
  if (source === undefined) throw new UsageError(`--against ${against}: ${filter} has no source at another commit`);
  const checkout = checkOutEntry(context.cwd, against, source.entry);
  try {
    return await compiled(checkout.entry, compiler, context.cwd);
  } finally {
    checkout.remove();
  }
}

async function trafficOf({ args, cwd }: Context) {
  const data = args.text("data");
  const headers: Record<string, string[]> = {};
  for (const [name, value] of args.list("header").map(parseHeader)) (headers[name] ??= []).push(value);
  const body = data === undefined ? null : Buffer.from(await textOrFile(data, cwd));
  const method = args.text("request") ?? (body === null ? "GET" : "POST");
  return {
    request: { method, path: args.text("path") ?? "/", headers, body },
    responseHeaders: { "content-type": "text/plain" },
    responseBody: BODY,
  };
}

function draw(filter: string, costs: readonly FilterCost[], against: string, context: Context): void {
  const { terminal } = context;
  const [now, then] = costs;
  if (now === undefined) return;
  const columns = ["phase", "ns", "median", "fuel"];
  const rows = now.phases.map((phase, at) => {
    const old = then?.phases[at];
    const own = [phase.phase, Math.round(phase.nanos), Math.round(phase.medianNanos), phase.fuel ?? "-"];
    return old === undefined
      ? own
      : [...own, Math.round(old.nanos), old.fuel ?? "-", `${(phase.nanos / old.nanos).toFixed(2)} x`];
  });
  terminal.table(then === undefined ? columns : [...columns, `ns ${against}`, "fuel", "ratio"], rows);
  for (const [name, cost] of [[filter, now] as const, ...(then === undefined ? [] : [[against, then] as const])])
    terminal.data(
      `${name}: ${cost.size} bytes (${cost.codeSize} of code and data), ${cost.allocations} allocations of ` +
        `${cost.allocatedBytes} bytes per exchange, memory ${cost.memoryBytes / 1024} KiB (+${cost.grownBytes / 1024})`,
    );
}

async function run(context: Context): Promise<number> {
  const { args, terminal, cwd } = context;
  const filter = args.text("filter");
  if (filter === undefined)
    throw new UsageError(
      "name a filter: load against a running proxy is not supported yet",
      "sluice bench <name|wasm>",
    );
  const config = await textOrFile(args.text("plugin-config") ?? "", cwd);
  const against = args.text("against");
  const modules = await withCompiler(cwd, async (compiler) => [
    await moduleOf(filter, compiler, context),
    ...(against === undefined ? [] : [await otherOf(against, filter, compiler, context)]),
  ]);
  const { benchFilters, PLAN } = await loadBench();
  const filters = modules.map((wasm) => ({ name: "filter", wasm, config }));
  const plan = { ...PLAN, rounds: args.integer("rounds", 1, 10_000) ?? PLAN.rounds, nowMs: () => performance.now() };
  const costs = benchFilters(filters, await trafficOf(context), plan);
  const names = [filter, against];
  if (terminal.json) terminal.object({ filters: costs.map((cost, at) => ({ name: names[at], ...cost })) });
  else draw(filter, costs, against ?? "", context);
  return EXIT.ok;
}

export const bench: Command = {
  name: "bench",
  summary: "What a filter costs, against another version of it",
  args: {
    filter: { type: "positional", required: false, description: "Name of a filter, its folder, or a .wasm" },
    against: { type: "string", description: "A .wasm, another filter, or a git ref", valueHint: "what" },
    "plugin-config": { type: "string", description: "Its configuration, JSON or @file", valueHint: "json" },
    path: { type: "string", description: "Path of the request, default /", valueHint: "path" },
    request: { type: "string", alias: "X", description: "Method", valueHint: "method" },
    header: { type: "string", alias: "H", description: "Request header, repeatable", valueHint: "header" },
    data: { type: "string", alias: "d", description: "Request body, or @file", valueHint: "text" },
    rounds: { type: "string", description: "Rounds of 250 exchanges, default 40", valueHint: "n" },
  },
  run,
};
