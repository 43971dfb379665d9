// Which world a component belongs to, and whether it asks for more than the runner grants: judged by its own WIT text before
// anything of it runs.
import { type Problem, ProblemError } from "../base/problem.ts";
import { readWorld } from "../module/component/world.ts";

export type ComponentKind = "filter" | "command" | "server" | "other";

const RUN = "wasi:cli/run@0.2.";
const HANDLER = "wasi:http/incoming-handler@0.2.";

export function kindOfWorld(wit: string): ComponentKind {
  const names = readWorld(wit).exports.map(({ name }) => name);
  if (names.includes("on-request") || names.includes("on-response")) return "filter";
  if (names.some((name) => name.startsWith(RUN))) return "command";
  return names.some((name) => name.startsWith(HANDLER)) ? "server" : "other";
}

/** Packages of WASI 0.2 that reach nothing which the flags have not granted. */
const GRANTED = ["cli", "io", "clocks", "random", "filesystem"];

/** @throws ProblemError that names every import beyond what is granted */
export function assertGranted(wit: string, kind: "command" | "server", file: string): void {
  const problems = readWorld(wit).imports.flatMap(({ name }) => judge(name, kind, file));
  if (problems.length > 0) throw new ProblemError(problems);
}

function judge(name: string, kind: "command" | "server", file: string): Problem[] {
  const [, space = "", version = ""] = /^wasi:([\w-]+)\/[\w-]+@(.*)$/.exec(name) ?? [];
  const isTypes = kind === "server" && name.startsWith("wasi:http/types@");
  if (version.startsWith("0.2.") && (GRANTED.includes(space) || isTypes)) return [];
  if (version !== "" && !version.startsWith("0.2.")) {
    const message = `${file} imports ${name}; this runner has WASI 0.2`;
    return [{ kind: "abi", code: "other_version", message, hint: "build it for wasm32-wasip2" }];
  }
  if (space !== "") {
    const message = `${file} asks for ${name}, which it was not granted: \`sluice ${kind === "server" ? "serve" : "run"}\` gives no network`;
    const hint =
      "it may have folders (--dir), environment (--env), arguments, clocks, randomness and its standard streams";
    return [{ kind: "abi", code: "not_granted", message, hint }];
  }
  const message = `${file} imports ${name}, which this runner does not offer`;
  return [
    { kind: "abi", code: "unknown_import", message, hint: "a command or server imports WASI 0.2 and nothing else" },
  ];
}
