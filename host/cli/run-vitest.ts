// Vitest of the project one stands in, as a child: `sluice test` without a suite. It is the project's dependency, not ours.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { problemError } from "../base/problem.ts";
import type { Context } from "./command.ts";
import { EXIT } from "./exit.ts";

/** Absolute path of vitest's program, from its own package file. @throws ProblemError when it is not installed */
function findVitest(cwd: string): string {
  try {
    const manifest = createRequire(join(cwd, "package.json")).resolve("vitest/package.json");
    const { bin } = JSON.parse(readFileSync(manifest, "utf8")) as { bin: string | { vitest: string } };
    return join(dirname(manifest), typeof bin === "string" ? bin : bin.vitest);
  } catch {
    throw problemError("state", "no_vitest", "vitest is not installed here", {
      hint: "npm install --save-dev vitest, or name a suite: sluice test suite.textpb --wasm build/x.wasm",
    });
  }
}

/** Resolves to vitest's exit code: 0 passed, 1 failed. Its output goes where ours does. */
export async function runVitest({ cwd, env, terminal }: Context, args: readonly string[]): Promise<number> {
  const form = terminal.json ? ["--reporter=json"] : [];
  const argv = [findVitest(cwd), "run", ...form, ...args];
  const child = spawn(process.execPath, argv, { cwd, env: { ...env }, stdio: "inherit" });
  const [code] = (await once(child, "exit")) as [number | null];
  return code ?? EXIT.failed;
}
