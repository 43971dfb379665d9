// The moving parts the control side is made of, wired once (start.ts) and shared by its desks. State lives here; the
// rules of changing it live in the files that take a Runtime.
import type { Clock } from "../base/clock.ts";
import type { ProxyConfig } from "../config/options.ts";
import type { Jco } from "../module/component/jco.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { Compiler } from "../../sdk/build/index.ts";
import type { Canary } from "./canary.ts";
import type { Committer } from "./committer.ts";
import { compose, type Wish } from "./composer.ts";
import type { EventHub } from "./events.ts";
import type { ExperimentState } from "./experiment-state.ts";
import type { FaultDesk } from "./fault-desk.ts";
import type { FilterBook } from "./filter-book.ts";
import type { Keeper } from "./keeper.ts";
import { connectionsFor, openFilesLimit } from "./open-files.ts";
import type { RolloutEars } from "./rollout/ears.ts";
import type { Trials } from "./rollout/trials.ts";
import type { RecordDesk } from "./record/record-desk.ts";
import type { Sampling } from "./record/sampling.ts";
import type { Serial } from "./serial.ts";
import type { ShadowDesk } from "./shadow/shadow-desk.ts";
import type { SharedStores } from "./shared-stores.ts";
import { isCompiled } from "./source.ts";
import type { StateFile } from "./state-file.ts";
import type { TapDesk } from "./tap-desk.ts";
import type { Threads } from "./threads.ts";

export interface Runtime {
  readonly clock: Clock;
  readonly serial: Serial;
  readonly events: EventHub;
  readonly threads: Threads;
  readonly committer: Committer;
  readonly book: FilterBook;
  readonly faults: FaultDesk;
  readonly compiler: Compiler;
  readonly canary: Canary;
  readonly jco: Jco;
  readonly stateFile: StateFile;
  readonly keeper: Keeper;
  readonly stores: SharedStores;
  readonly taps: TapDesk;
  readonly sampling: Sampling;
  readonly recordings: RecordDesk;
  readonly shadows: ShadowDesk;
  readonly experiments: Map<string, ExperimentState>;
  readonly trials: Trials;
  /** Who hears of what concerns rollouts; filled in when the desk stands. */
  readonly ears: RolloutEars;
  /** Debug builds go live first (dev, demo). */
  readonly debugFirst: boolean;
  /** Optimised builds are made: behind the debug builds, or at once without them. */
  readonly optimize: boolean;
  config: ProxyConfig;
  configText: string;
}

/** Which build of a changed filter goes live first. */
export function firstMode({ debugFirst, optimize }: Runtime, { source }: FilterOptions): "debug" | "release" {
  return isCompiled(source) && (debugFirst || !optimize) ? "debug" : "release";
}

/** Prepares and commits what `change` makes of the present. @throws ProblemError; nothing has changed then */
export async function commitWish(runtime: Runtime, change: Partial<Wish>): Promise<number> {
  const { config, book, experiments, committer, stores, trials } = runtime;
  const wish: Wish = { config, records: book.records, experiments, trials, ...change };
  const millis = await committer.commit(compose(wish, committer.nextEpoch));
  stores.connections.limit(connectionsFor(wish.config.maxConnections, openFilesLimit()));
  return millis;
}
