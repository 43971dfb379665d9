// Whether the folder for state can be used, asked before anything is built: a start that fails later fails with less to say.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ProblemError, toProblems } from "../base/problem.ts";

/** Makes the folder. @throws ProblemError when nothing can be written there */
export function assertStateFolder(folder: string): void {
  const trial = join(folder, `.writable.${process.pid}`);
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(trial, "");
    rmSync(trial);
  } catch (error) {
    const hint = "set stateDir in the configuration to a folder this user may write";
    throw new ProblemError(
      toProblems(error).map((problem) => ({ ...problem, code: "state_dir", hint })),
      { cause: error },
    );
  }
}
