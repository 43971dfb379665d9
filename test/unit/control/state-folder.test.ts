import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { formatProblem, ProblemError, toProblems } from "../../../host/base/problem.ts";
import { assertStateFolder } from "../../../host/control/state-folder.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-state-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe("the folder for state", () => {
  test("is made with all its parents, and nothing is left in it", () => {
    assertStateFolder(join(folder, "a/b"));
    expect(readdirSync(join(folder, "a/b"))).toEqual([]);
  });

  test("that cannot be written is one sentence and what to do", () => {
    writeFileSync(join(folder, "file"), "");
    const path = join(folder, "file/state");
    const refused = (): unknown => {
      try {
        return assertStateFolder(path);
      } catch (error) {
        return error;
      }
    };
    const error = refused();
    expect(error).toBeInstanceOf(ProblemError);
    expect((error as ProblemError).problems.map(formatProblem)).toEqual([
      `error[state]: cannot mkdir ${path}: a part of the path is a file, not a folder\n` +
        "  help: set stateDir in the configuration to a folder this user may write",
    ]);
  });

  test.each([
    ["EACCES", "this user has no permission"],
    ["EROFS", "the file system is read-only"],
    ["ENOSPC", "the disk is full"],
  ])("%s of the system is said in words: %s", (code, words) => {
    const error = Object.assign(new Error(`${code}: nope`), { code, path: "/a/b", syscall: "open" });
    const [problem] = toProblems(error);
    expect(problem).toMatchObject({ code: code.toLowerCase(), message: `cannot open /a/b: ${words}` });
    expect(problem?.hint).toBeTruthy();
  });
});
