// The heavy parts of the program, loaded when a command needs them: compiler, runtime, module inspection, testing kit.
// Imported lazily, so that a command which needs none of them starts at once.
import type { StartOptions } from "../control/start-options.ts";
import type { RunningSluice } from "../control/start.ts";
import type { ModuleInfo } from "../module/inspect.ts";
import type { MetricSample } from "../observe/samples.ts";
import type { loadSuite } from "../suite/load.ts";
import type { runSuite } from "../suite/run.ts";
import type { configureOnce } from "../testing/configure.ts";
import type { benchFilters, PLAN } from "../testing/bench-filter.ts";
import type { CallOptions, CallResult } from "../testing/call.ts";
import type { Compiler } from "../../sdk/build/index.ts";

export type { CallOptions, CallResult } from "../testing/call.ts";
export type { Compiled, Diagnostic } from "../../sdk/build/index.ts";
export type { FilterCost, PhaseCost } from "../testing/bench-filter.ts";
export type { SuiteReport, TestReport } from "../suite/run.ts";
export type { StartOptions } from "../control/start-options.ts";
export type { RunningSluice } from "../control/start.ts";
export type FilterCompiler = Compiler;
export type ModuleSummary = ModuleInfo;

/** The runtime. */
export async function loadStart(): Promise<(options: StartOptions) => Promise<RunningSluice>> {
  return (await import("../control/start.ts")).startSluice;
}

/** The filter compiler, with its cache in `cacheDir`. */
export async function loadCompiler(cacheDir: string): Promise<FilterCompiler> {
  return new (await import("../../sdk/build/index.ts")).Compiler({ cacheDir });
}

/** Looks at a module without running it. */
export async function loadInspect(): Promise<(bytes: Uint8Array) => ModuleSummary> {
  return (await import("../module/inspect.ts")).inspectModule;
}

/** The proxy-wasm module inside a component, or null. */
export async function loadWrapped(): Promise<(bytes: Uint8Array) => Uint8Array | null> {
  return (await import("../module/component/wrapped.ts")).wrappedModule;
}

/** Samples -> Prometheus text. */
export async function loadPrometheus(): Promise<(samples: readonly MetricSample[]) => string> {
  return (await import("../observe/prometheus.ts")).toPrometheus;
}

/** One simulated request through one filter. */
export async function loadCall(): Promise<(options: CallOptions) => CallResult> {
  return (await import("../testing/call.ts")).callFilter;
}

/** Whether a filter starts with its configuration. */
export async function loadConfigure(): Promise<typeof configureOnce> {
  return (await import("../testing/configure.ts")).configureOnce;
}

/** Measuring filters. */
export async function loadBench(): Promise<{ readonly benchFilters: typeof benchFilters; readonly PLAN: typeof PLAN }> {
  return import("../testing/bench-filter.ts");
}

/** Test suites: reading and running them. */
export async function loadSuites(): Promise<{
  readonly loadSuite: typeof loadSuite;
  readonly runSuite: typeof runSuite;
}> {
  const [load, run] = await Promise.all([import("../suite/load.ts"), import("../suite/run.ts")]);
  return { loadSuite: load.loadSuite, runSuite: run.runSuite };
}

/** Components: taking them apart and making them. */
export async function loadComponents() {
  const [{ Jco }, making, { describeComponent }] = await Promise.all([
    import("../module/component/jco.ts"),
    import("../module/component/componentize.ts"),
    import("../module/component/prepare-component.ts"),
  ]);
  return { Jco, describeComponent, ...making };
}
