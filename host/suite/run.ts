// A whole suite against one filter -> a report: what `sluice test SUITE` prints and `--json` shows.
import { benchTest, type Benchmark } from "./bench.ts";
import type { Failure } from "./expect.ts";
import type { SuiteFile } from "./load.ts";
import { playTest } from "./play.ts";

export interface TestReport {
  readonly name: string;
  readonly ok: boolean;
  readonly failures: readonly Failure[];
  /** What the filter logged, at the suite's level. */
  readonly logs: readonly string[];
  readonly benchmark?: Benchmark;
}

export interface SuiteReport {
  readonly suite: string;
  readonly ok: boolean;
  readonly tests: readonly TestReport[];
}

export interface RunOptions {
  readonly wasm: Uint8Array;
  /** Plugin configuration, "" for none. */
  readonly config: string;
  /** Monotonic time, for benchmarks. */
  readonly nowMs: () => number;
  /** Per benchmark; 0 = none. */
  readonly benchMs: number;
}

/** @throws ProblemError when the module does not load, start or take its configuration */
export function runSuite(suite: SuiteFile, options: RunOptions): SuiteReport {
  const { wasm, config, nowMs, benchMs } = options;
  const { logLevel, clockMs, moreStreams, advanceRate } = suite;
  const setup = { wasm, config, logLevel, clockMs };
  const tests = suite.tests.map((test): TestReport => {
    const { failures, logs } = playTest(test, setup);
    const report = { name: test.name, ok: failures.length === 0, failures, logs };
    // Figures of a filter that does the wrong thing would only mislead.
    if (!test.benchmark || benchMs === 0 || !report.ok) return report;
    const limits = { moreStreams, advanceRate, nowMs, budgetMs: benchMs };
    return { ...report, benchmark: benchTest(test, setup, limits) };
  });
  return { suite: suite.file, ok: tests.every(({ ok }) => ok), tests };
}
