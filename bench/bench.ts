// What every group of rows is given: a folder, an upstream that runs, built guests, and how long to measure.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Mode, Compiler } from "../sdk/build/index.ts";
import type { Plan } from "./measure/alternate.ts";
import { startUpstream } from "./subjects/peers.ts";
import { ROOT } from "./subjects/sluice.ts";
import type { Subject } from "./subjects/subject.ts";

export interface Bench {
  readonly plan: Plan;
  /** Temporary; gone at the end. */
  readonly folder: string;
  readonly upstream: Subject;
  readonly quick: boolean;
  /** Rows asked for; null = all. */
  readonly only: ReadonlySet<string> | null;
  /** A guest of bench/guests as a module; release by default. */
  build(guest: string, mode?: Mode): Promise<Built>;
  close(): Promise<void>;
}

export interface Built {
  readonly wasm: Uint8Array;
  /** The same in a file. */
  readonly path: string;
}

export const guestEntry = (guest: string): string => join(ROOT, "bench/guests", guest, "assembly/index.ts");

export async function openBench(options: Pick<Bench, "plan" | "quick" | "only">): Promise<Bench> {
  // Below the checkout, so that filters written there find the SDK.
  mkdirSync(join(ROOT, ".sluice"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".sluice/bench-"));
  const upstream = await startUpstream(folder);
  const compiler = new Compiler({ cacheDir: join(ROOT, ".sluice/bench-cache") });
  return {
    ...options,
    folder,
    upstream,
    build: async (guest, mode = "release") => {
      const { wasm } = await compiler.compile(guestEntry(guest), { mode });
      const path = join(folder, `${guest}.${mode}.wasm`);
      writeFileSync(path, wasm);
      return { wasm, path };
    },
    close: async () => {
      await compiler.close();
      await upstream.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

export function wants({ only }: Pick<Bench, "only">, ...ids: readonly string[]): boolean {
  return only === null || ids.some((id) => only.has(id));
}
