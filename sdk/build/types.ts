// The words of the build tool: what goes in, what comes out, what can go wrong.

/** `debug`: exact positions, checks on late use of views. `release`: -O3, names kept. */
export type Mode = "debug" | "release";

/** One message of the compiler, the transforms or the checks. Lines and columns count from 1. */
export interface Diagnostic {
  readonly message: string;
  /** The compiler's number (TS2322 -> 2322, AS100 -> 100); 0 for our own. */
  readonly code: number;
  readonly category: "error" | "warning" | "info";
  /** Absolute path; the entry when the message has no place of its own. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
  /** Column after the last character, on the same line. */
  readonly endColumn: number;
  /** The source line with a caret line below; "" without a place. */
  readonly frame: string;
}

/** What the custom section `sluice` of a built filter says, as JSON. */
export interface FilterInfo {
  readonly v: 1;
  readonly name: string;
  /** From `filter.json`; "0.0.0" without one. */
  readonly version: string;
  readonly sdk: string;
  readonly asc: string;
  readonly kind: "http" | "tcp" | "both";
  /** Exported callbacks: the ones the filter overrides, and what the SDK needs. */
  readonly callbacks: readonly string[];
  /** Imported host functions. */
  readonly hostCalls: readonly string[];
  /** Foreign functions of sluice the code names (`sluice.gcra`). */
  readonly extras: readonly string[];
  /** JSON Schema (draft 2020-12) of the configuration; null when the config class is written by hand. */
  readonly schema: object | null;
}

export interface Compiled {
  readonly wasm: Uint8Array;
  readonly map: Uint8Array | null;
  readonly schema: object | null;
  readonly info: FilterInfo;
  /** Warnings. */
  readonly diagnostics: readonly Diagnostic[];
  /** Time of this call, waiting included. */
  readonly millis: number;
  /** Absolute real paths read: what a watcher must watch. */
  readonly sources: readonly string[];
  readonly cached: boolean;
  readonly mode: Mode;
}

export interface CompilerOptions {
  /** Folder of the content-addressed cache; none: nothing is cached. */
  readonly cacheDir?: string;
  /** The child process ends after so long without work. Default 300 000 ms. */
  readonly idleMs?: number;
  /** Release builds run in a second process of low priority, so that no debug build waits for one. Default false. */
  readonly backgroundRelease?: boolean;
}

export interface CompileOptions {
  readonly mode: Mode;
  /** Gives up waiting; a running compilation finishes in the background. */
  readonly signal?: AbortSignal;
}

/** A filter that does not compile. The message is the first diagnostic; all are in `diagnostics`. */
export class BuildError extends Error {
  readonly diagnostics: readonly Diagnostic[];
  /** Absolute real paths read before it failed: what a watcher must watch. Empty after a crash. */
  readonly sources: readonly string[];

  constructor(diagnostics: readonly Diagnostic[], sources: readonly string[] = []) {
    const first = diagnostics.find((one) => one.category === "error") ?? diagnostics[0];
    super(first === undefined ? "the build failed" : describe(first));
    this.name = "BuildError";
    this.diagnostics = diagnostics;
    this.sources = sources;
  }
}

/** `file:line:column: message` and the frame. */
export function describe(diagnostic: Diagnostic): string {
  const place = diagnostic.line > 0 ? `:${diagnostic.line}:${diagnostic.column}` : "";
  const code = diagnostic.code > 0 ? ` (${codeName(diagnostic.code)})` : "";
  const frame = diagnostic.frame === "" ? "" : `\n${diagnostic.frame}`;
  return `${diagnostic.file}${place}: ${diagnostic.message}${code}${frame}`;
}

/** The compiler's own name of a message: below 1000 it is asc's, else TypeScript's. */
export const codeName = (code: number): string => (code < 1000 ? `AS${code}` : `TS${code}`);
