// A suite's report for people: one line per test, what was expected and what came under those that failed, figures under
// those that were measured. `--json` prints the same report as it is.
import type { Context } from "./command.ts";
import type { SuiteReport, TestReport } from "./parts.ts";

type Terminal = Context["terminal"];
type Benchmark = NonNullable<TestReport["benchmark"]>;
type Failure = TestReport["failures"][number];

function indented(label: string, text: string): string {
  const [first = "", ...rest] = text.split("\n");
  return [`      ${label.padEnd(9)} ${first}`, ...rest.map((line) => `${" ".repeat(16)}${line}`)].join("\n");
}

function drawFailure({ phase, message, expected, actual }: Failure, terminal: Terminal): void {
  terminal.data(`    ${phase}: ${message}`);
  if (expected !== undefined) terminal.data(indented("expected", expected));
  if (actual !== undefined) terminal.data(indented("actual", actual));
}

function drawBenchmark({ rounds, phases, memoryBytes }: Benchmark, terminal: Terminal): void {
  terminal.data(`    ${rounds} rounds, ${Math.round(memoryBytes / 1024)} KiB of memory`);
  for (const { phase, medianNanos, p99Nanos, fuel } of phases) {
    const time = `${medianNanos} ns`.padStart(12);
    const tail = `p99 ${p99Nanos} ns`.padStart(16);
    terminal.data(`      ${phase.padEnd(18)}${time}${tail}${fuel === null ? "" : `${fuel} fuel`.padStart(16)}`);
  }
}

function drawTest(test: TestReport, { terminal, args }: Context): void {
  const mark = test.ok ? terminal.paint("green", "ok  ") : terminal.paint(["red", "bold"], "FAIL");
  terminal.data(`${mark}  ${test.name}`);
  for (const failure of test.failures) drawFailure(failure, terminal);
  if (args.flag("verbose")) for (const line of test.logs) terminal.data(`    log ${line}`);
  if (test.benchmark !== undefined) drawBenchmark(test.benchmark, terminal);
}

export function drawSuite(report: SuiteReport, context: Context): void {
  for (const test of report.tests) drawTest(test, context);
  const passed = report.tests.filter(({ ok }) => ok).length;
  context.terminal.data(`${report.suite}: ${passed} of ${report.tests.length} passed`);
}
