// What a start needs to know.
import type { Clock } from "../base/clock.ts";
import type { SpawnThread } from "./threads.ts";

export interface StartOptions {
  readonly configText: string;
  readonly configPath: string;
  /** Rebuild filters when their sources change, reload the config when its file does. */
  readonly watch: boolean;
  /** Optimised builds; false = debug builds only (`--no-optimize`). */
  readonly optimize: boolean;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly overrides: { readonly port?: number; readonly adminPort?: number; readonly workers?: number };
  readonly poll?: boolean;
  /** For tests: another kind of data thread. */
  readonly spawn?: SpawnThread;
  readonly clock?: Clock;
}
