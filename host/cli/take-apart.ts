// A component taken apart for a command, with the cache that a running proxy in this folder uses as well.
import { join } from "node:path";
import type { Transpiled } from "../module/component/transpiled.ts";
import { loadComponents, loadInspect, type ModuleSummary } from "./parts.ts";

/** Null for what is no component. @throws ProblemError */
export async function takeApart(bytes: Uint8Array, what: string, cwd: string): Promise<Transpiled | null> {
  if ((await loadInspect())(bytes).kind !== "component") return null;
  const jco = new (await loadComponents()).Jco({ cacheDir: join(cwd, ".sluice/cache") });
  try {
    return await jco.transpile(bytes, what);
  } finally {
    jco.close();
  }
}

/** As `inspectModule`, for components too. @throws ProblemError */
export async function inspectAny(bytes: Uint8Array, what: string, cwd: string): Promise<ModuleSummary> {
  const transpiled = await takeApart(bytes, what, cwd);
  if (transpiled === null) return (await loadInspect())(bytes);
  return (await loadComponents()).describeComponent(bytes, transpiled);
}
