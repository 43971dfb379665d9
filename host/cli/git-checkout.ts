// A filter as it was at another commit: its folder out of git's archive, put where it finds the same packages.
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { UsageError } from "./exit.ts";

export interface Checkout {
  /** Absolute path of the same entry at that commit. */
  readonly entry: string;
  remove(): void;
}

const MOST_BYTES = 2 ** 28;

function git(cwd: string, ...args: readonly string[]): { readonly status: number | null; readonly out: Buffer } {
  const { status, stdout } = spawnSync("git", args, { cwd, maxBuffer: MOST_BYTES });
  return { status, out: stdout ?? Buffer.alloc(0) };
}

/** @throws UsageError when there is no such commit, or the filter is not in it */
export function checkOutEntry(cwd: string, ref: string, entry: string): Checkout {
  const top = git(cwd, "rev-parse", "--show-toplevel");
  if (top.status !== 0) throw new UsageError(`--against ${ref}: no such file, and ${cwd} is not under git`);
  const commit = git(cwd, "rev-parse", "--verify", "--quiet", `${ref}^{commit}`);
  if (commit.status !== 0) throw new UsageError(`--against ${ref}: neither a file nor a commit`, "git log --oneline");
  const root = top.out.toString().trim();
  // The whole filter, not only its entry: assembly/, filter.json and what lies beside.
  const folder = relative(root, resolve(entry, "../..")).replaceAll("\\", "/");
  const archive = git(root, "archive", commit.out.toString().trim(), "--", folder);
  if (archive.status !== 0) throw new UsageError(`--against ${ref}: ${folder} is not in that commit`);
  mkdirSync(join(cwd, ".sluice"), { recursive: true });
  const target = mkdtempSync(join(cwd, ".sluice/against-"));
  const { status } = spawnSync("tar", ["-x", "-C", target], { input: archive.out });
  const remove = (): void => rmSync(target, { recursive: true, force: true });
  if (status === 0) return { entry: join(target, relative(root, entry)), remove };
  remove();
  throw new UsageError(`--against ${ref}: tar could not unpack it`);
}
