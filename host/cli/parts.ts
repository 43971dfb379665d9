// The heavy parts of the program, loaded when a command needs them: compiler, runtime, module inspection. Each is typed by
// the little the command line needs of it, so that a part can be built, replaced or left out without touching a command.
import type { ControlPlane } from "../control/types.ts";
import type { MetricSample } from "../observe/samples.ts";

export interface StartOptions {
  readonly configText: string;
  readonly configPath: string;
  /** Rebuild and swap on save. */
  readonly watch: boolean;
  /** Follow a debug build by an optimised one. */
  readonly optimize: boolean;
  readonly env: NodeJS.ProcessEnv;
  readonly overrides: { readonly port?: number; readonly adminPort?: number; readonly workers?: number };
}

export interface RunningSluice {
  readonly control: ControlPlane;
  /** Resolves when the data threads have ended. */
  readonly stopped: Promise<void>;
}

export interface Diagnostic {
  readonly message: string;
  readonly code: number;
  readonly category: "error" | "warning" | "info";
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly endColumn: number;
  readonly frame: string;
}

export interface Compiled {
  readonly wasm: Uint8Array;
  readonly map: Uint8Array | null;
  readonly schema: object | null;
  readonly info: { readonly name: string; readonly version: string };
  readonly diagnostics: readonly Diagnostic[];
  readonly millis: number;
  readonly sources: readonly string[];
}

export interface FilterCompiler {
  compile(entry: string, options: { mode: "debug" | "release" }): Promise<Compiled>;
  close?(): Promise<void> | void;
}

export interface ModuleSummary {
  readonly kind: string;
  readonly size: number;
  readonly sha256: string;
  readonly problems?: readonly { readonly message: string }[];
  readonly warnings?: readonly string[];
}

export interface CallOptions {
  readonly wasm: Uint8Array;
  readonly pluginConfig: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array | null;
}

/** One callback of a simulated request. */
export interface CallPhase {
  readonly name: string;
  readonly action: string;
  readonly millis: number;
  readonly hostCalls: readonly string[];
}

export interface CallResult {
  readonly phases: readonly CallPhase[];
  readonly requestHeaders: readonly (readonly [string, string])[];
  readonly status: number;
  /** Whether the filter answered itself. */
  readonly isLocalReply: boolean;
  readonly responseHeaders: readonly (readonly [string, string])[];
  readonly responseBody: string;
  readonly logs: readonly { readonly level: string; readonly message: string }[];
}

// Specifiers in variables: the compiler does not follow them, and neither does a start that does not need the part.
const START = "../control/start.ts";
const COMPILER = "../../sdk/build/index.ts";
const INSPECT = "../module/inspect.ts";
const PROMETHEUS = "../observe/prometheus.ts";
const TESTING = "../testing.ts";

/** The runtime. */
export async function loadStart(): Promise<(options: StartOptions) => Promise<RunningSluice>> {
  return ((await import(START)) as { startSluice: (options: StartOptions) => Promise<RunningSluice> }).startSluice;
}

/** The filter compiler, with its cache in `cacheDir`. */
export async function loadCompiler(cacheDir: string): Promise<FilterCompiler> {
  const part = (await import(COMPILER)) as { Compiler: new (options: { cacheDir: string }) => FilterCompiler };
  return new part.Compiler({ cacheDir });
}

/** Looks at a module without running it. */
export async function loadInspect(): Promise<(bytes: Uint8Array) => ModuleSummary> {
  return ((await import(INSPECT)) as { inspectModule: (bytes: Uint8Array) => ModuleSummary }).inspectModule;
}

/** Samples -> Prometheus text. */
export async function loadPrometheus(): Promise<(samples: readonly MetricSample[]) => string> {
  return ((await import(PROMETHEUS)) as { toPrometheus: (samples: readonly MetricSample[]) => string }).toPrometheus;
}

/** One simulated request through one filter. */
export async function loadCall(): Promise<(options: CallOptions) => Promise<CallResult>> {
  return ((await import(TESTING)) as { callFilter: (options: CallOptions) => Promise<CallResult> }).callFilter;
}
