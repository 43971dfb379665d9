// A component taken apart for a command, with the cache that a running proxy in this folder uses as well.
import { join } from "node:path";
import type { Transpiled } from "../module/component/transpiled.ts";
import { loadComponents, loadInspect, loadWrapped, type ModuleSummary } from "./parts.ts";

const WRAPS = "it wraps a proxy-wasm module: what is said here is said of that";

/** Null for what is no component. @throws ProblemError */
export async function takeApart(bytes: Uint8Array, what: string, cwd: string): Promise<Transpiled | null> {
  const [inspectModule, wrappedModule] = [await loadInspect(), await loadWrapped()];
  // A wrapped module is run as what it is: there is nothing to take apart.
  if (inspectModule(bytes).kind !== "component" || wrappedModule(bytes) !== null) return null;
  const jco = new (await loadComponents()).Jco({ cacheDir: join(cwd, ".sluice/cache") });
  try {
    return await jco.transpile(bytes, what);
  } finally {
    jco.close();
  }
}

/** As `inspectModule`, for components too. @throws ProblemError */
export async function inspectAny(bytes: Uint8Array, what: string, cwd: string): Promise<ModuleSummary> {
  const inspectModule = await loadInspect();
  const inside = (await loadWrapped())(bytes);
  if (inside !== null) {
    const info = inspectModule(inside);
    return { ...info, kind: "component", warnings: [...info.warnings, WRAPS] };
  }
  const transpiled = await takeApart(bytes, what, cwd);
  return transpiled === null ? inspectModule(bytes) : (await loadComponents()).describeComponent(bytes, transpiled);
}
