// The compiler process: takes one job at a time over the IPC channel, answers with the result. Started by Worker in
// worker.ts with `fork`; ends with its parent.
import { type BuildJob, buildFilter, type BuildResult } from "./build-filter.ts";

/** Parent to child. */
export interface Ask {
  readonly id: number;
  readonly job: BuildJob | null;
}
/** Child to parent. */
export interface Answer {
  readonly id: number;
  readonly result: BuildResult | null;
}

process.on("message", (ask: Ask) => {
  void answer(ask);
});
process.on("disconnect", () => process.exit(0));

async function answer({ id, job }: Ask): Promise<void> {
  // A job of null only loads asc, so that the first real one is fast.
  const result = job === null ? null : await buildFilter(job);
  process.send?.({ id, result } satisfies Answer);
}
