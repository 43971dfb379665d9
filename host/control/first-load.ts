// The first snapshot: what earlier runs left, then every filter's source. With a warm build cache optimised builds serve at
// once; with an empty one debug builds come first and optimised ones follow (decisions.md 26).
import { ProblemError, toProblems, type Problem } from "../base/problem.ts";
import type { FilterOptions } from "../plugin/options.ts";
import { resumed } from "./experiment-state.ts";
import { declaredExperiments } from "./declared.ts";
import type { FilterRecord } from "./filter-record.ts";
import { commitWish, firstMode, type Runtime } from "./runtime.ts";
import { isCompiled } from "./source.ts";
import type { Version } from "./version.ts";

/** @param how.strict a filter that does not load stops the start (`sluice run`); otherwise the rest serves (`sluice dev`) */
export async function firstLoad(runtime: Runtime, how: { readonly strict: boolean }): Promise<void> {
  await restoreState(runtime);
  const problems = (await Promise.all(runtime.config.filters.map((options) => loadOne(runtime, options)))).flat();
  if (how.strict && problems.length > 0) throw new ProblemError(problems);
  const experiments = await declaredExperiments(runtime, runtime.config);
  await commitWish(runtime, { experiments });
  for (const [name, experiment] of experiments) runtime.experiments.set(name, experiment);
  runtime.keeper.soon();
  runtime.ears.changed();
}

async function restoreState(runtime: Runtime): Promise<void> {
  const stored = await runtime.stateFile.load();
  for (const options of runtime.config.filters) {
    const record = runtime.book.ensure(options);
    const known = stored?.filters[options.name];
    if (known !== undefined) runtime.stateFile.restore(record, known);
  }
  for (const experiment of stored?.experiments ?? []) {
    const known = runtime.book.records.get(experiment.filter);
    const complete = experiment.arms.every(
      ({ version }) => version === "current" || known?.versions.some((one) => one.label === version) === true,
    );
    if (known !== undefined && complete)
      runtime.experiments.set(experiment.name, resumed(experiment, runtime.trials.newRun()));
  }
}

async function loadOne(runtime: Runtime, options: FilterOptions): Promise<readonly Problem[]> {
  const record = runtime.book.ensure(options);
  if (options.source === "") return [];
  try {
    const version = await buildFirst(runtime, options);
    // A restart is no reason to trust it again; what was live before it is here.
    if (record.isBlocked(version) && record.live !== null) record.fromSource = version.label;
    else accept(record, version);
    return [];
  } catch (error) {
    const problems = toProblems(error);
    record.problems = problems;
    const serving = record.live === null ? "nothing serves yet" : `still serving ${record.live.label}`;
    const type = problems.some((problem) => problem.kind === "compile") ? "compile-failed" : "swap-refused";
    runtime.events.emit({ type, filter: options.name, text: `${options.name}  ${serving}`, problems });
    return problems;
  }
}

function accept(record: FilterRecord, version: Version): void {
  record.add(version);
  record.setLive(version);
  record.fromSource = version.label;
}

async function buildFirst(runtime: Runtime, options: FilterOptions): Promise<Version> {
  const { book, compiler, optimize } = runtime;
  const ready = optimize && isCompiled(options.source) && (await compiler.has(options.source, "release"));
  return (await book.build({ options, mode: ready ? "release" : firstMode(runtime, options) })).version;
}
