// `--against <ref>`: this checkout and another commit in the same session, without filters and with one. A change to the
// hot path is kept when this shows it.
import { execFileSync } from "node:child_process";
import { mkdirSync, symlinkSync } from "node:fs";
import { join } from "node:path";
import type { Bench } from "../bench.ts";
import { alternate, microsOf } from "../measure/alternate.ts";
import { ratio } from "../measure/statistics.ts";
import { type Row, rowOf } from "../row.ts";
import { ROOT, startSluice } from "../subjects/sluice.ts";
import type { Subject } from "../subjects/subject.ts";
import { filters } from "./proxy.ts";

const COUNTS = [0, 1, 20] as const;

/** The commit's files in the bench's folder, with this checkout's packages. */
function checkOut(ref: string, folder: string): string {
  const root = join(folder, "other");
  mkdirSync(root);
  const archive = execFileSync("git", ["archive", ref], { cwd: ROOT, maxBuffer: 2 ** 30 });
  execFileSync("tar", ["-x", "-C", root], { input: archive });
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"));
  return root;
}

export async function againstRows(bench: Bench, ref: string): Promise<readonly Row[]> {
  const other = checkOut(ref, bench.folder);
  const { path } = await bench.build("tier");
  const subjects: Subject[] = [];
  const start = async (name: string, count: number, root: string): Promise<void> => {
    const options = { name, root, upstream: bench.upstream.port, workers: 1, filters: filters(count, path) };
    subjects.push(await startSluice(bench.folder, options));
  };
  try {
    for (const count of COUNTS) {
      await start(`now+${count}`, count, ROOT);
      await start(`then+${count}`, count, other);
    }
    const runs = await alternate(subjects, bench.plan);
    const micros = (name: string) => microsOf(runs.get(name) ?? []);
    return COUNTS.flatMap((count) => [
      rowOf({
        id: "against",
        what: `CPU/req with ${count} filters`,
        peer: ref,
        unit: "x",
        figure: ratio(micros(`now+${count}`), micros(`then+${count}`)),
      }),
      rowOf({ id: "-", what: `... now`, unit: "us", figure: micros(`now+${count}`) }),
    ]);
  } finally {
    for (const subject of subjects) await subject.stop();
  }
}
