// Composition root of the control side: wires the desks, brings the data threads up, loads the first snapshot, opens the
// admin API's door. Read top to bottom: the order is the order of a start.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock, type Clock } from "../base/clock.ts";
import type { Problem } from "../base/problem.ts";
import type { ProxyConfig } from "../config/options.ts";
import type { FromData } from "../link/messages.ts";
import { createSharedData } from "../plugin/shared-data.ts";
import { createSharedMetrics, SharedMetrics } from "../plugin/shared-metrics.ts";
import { createSharedQueues } from "../plugin/shared-queue.ts";
import { Compiler } from "../../sdk/build/index.ts";
import { Canary } from "./canary.ts";
import { Committer } from "./committer.ts";
import { ConfigDesk, readConfig, type ConfigSource } from "./config-desk.ts";
import { Control } from "./control.ts";
import { EventHub } from "./events.ts";
import { ExperimentDesk } from "./experiment-desk.ts";
import { FaultDesk } from "./fault-desk.ts";
import { FilterBook } from "./filter-book.ts";
import { firstLoad } from "./first-load.ts";
import { assertListenersFree } from "./port-check.ts";
import type { Runtime } from "./runtime.ts";
import { Serial } from "./serial.ts";
import { spawnWorker } from "./spawn.ts";
import { StateFile } from "./state-file.ts";
import { Swapper } from "./swapper.ts";
import { Threads, type SpawnThread } from "./threads.ts";
import type { ControlPlane } from "./types.ts";
import { SourceWatch } from "./watch.ts";

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

export interface RunningSluice {
  readonly control: ControlPlane;
  /** When everything has ended. */
  readonly stopped: Promise<void>;
}

const LEVELS = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 } as const;

/** @throws ProblemError when the configuration is bad, a port is taken, or (without watch) a filter does not load */
export async function startSluice(options: StartOptions): Promise<RunningSluice> {
  const clock = options.clock ?? systemClock;
  const source = configSource(options);
  const { config, warnings } = await readConfig(options.configText, source);
  await assertListenersFree(config.listeners);
  const events = new EventHub(clock);
  const parts = buildParts(options, { config, clock, events });
  const { runtime, watch, swapper } = parts;
  sayWarnings(events, warnings);
  const stopped = Promise.withResolvers<void>();
  const shutdown = async (): Promise<void> => {
    watch?.close();
    await stopEverything(runtime);
    stopped.resolve();
  };
  const control = new Control(runtime, {
    swapper,
    experiments: new ExperimentDesk(runtime),
    config: new ConfigDesk(runtime, source),
    readConfigFile: () => readFile(options.configPath, "utf8"),
    shutdown,
  });
  parts.onConfigChanged = () => void control.reload().catch(() => {});
  try {
    await firstLoad(runtime, { strict: !options.watch });
    swapper.optimiseSoon();
  } catch (error) {
    await shutdown();
    throw error;
  }
  watch?.set("config", [options.configPath]);
  control.state = "ready";
  events.emit({ type: "ready", text: `ready with ${runtime.threads.ids.length} data threads` });
  return { control, stopped: stopped.promise };
}

function configSource(options: StartOptions): ConfigSource {
  const { port, adminPort, workers } = options.overrides;
  const adjust = (config: ProxyConfig): ProxyConfig => ({
    ...config,
    workers: workers ?? config.workers,
    admin: config.admin === null || adminPort === undefined ? config.admin : { ...config.admin, port: adminPort },
    listeners: config.listeners.map((listener, index) =>
      index === 0 && port !== undefined ? { ...listener, port } : listener,
    ),
  });
  return { path: options.configPath, env: options.env, adjust };
}

interface Parts {
  readonly runtime: Runtime;
  readonly watch: SourceWatch | null;
  readonly swapper: Swapper;
  onConfigChanged: () => void;
}

function buildParts(options: StartOptions, given: { config: ProxyConfig; clock: Clock; events: EventHub }): Parts {
  const { clock } = given;
  const watch = options.watch
    ? new SourceWatch({ clock, poll: options.poll ?? false, changed: (owners) => changed(parts, owners) })
    : null;
  const runtime = buildRuntime(options, given, {
    watched: (filter, files) => watch?.set(filter, files),
    quarantine: (filter, version) => void parts.swapper.quarantine(filter, version),
    message: (threadId, message) => received(parts, threadId, message),
    lost: (threadId, cause) => lost(parts, threadId, cause),
  });
  const parts: Parts = { runtime, watch, swapper: new Swapper(runtime), onConfigChanged: () => {} };
  return parts;
}

/** What the parts call back into, once everything stands. */
interface Calls {
  readonly watched: (filter: string, files: readonly string[]) => void;
  readonly quarantine: (filter: string, version: string) => void;
  readonly message: (threadId: number, message: FromData) => void;
  readonly lost: (threadId: number, cause: Error | undefined) => void;
}

function buildRuntime(
  options: StartOptions,
  given: { config: ProxyConfig; clock: Clock; events: EventHub },
  calls: Calls,
): Runtime {
  const { config, clock, events } = given;
  const epoch = new SharedArrayBuffer(4);
  const sharedMetrics = createSharedMetrics();
  const compiler = new Compiler({ cacheDir: join(config.stateDir, "cache") });
  const canary = new Canary(clock);
  const threads: Threads = new Threads({
    count: config.workers,
    init: {
      epoch,
      sharedData: createSharedData(),
      sharedMetrics,
      sharedQueues: createSharedQueues(),
      logLevel: LEVELS[config.logLevel],
    },
    spawn: options.spawn ?? spawnWorker,
    onMessage: calls.message,
    onLost: calls.lost,
  });
  return {
    clock,
    serial: new Serial(),
    events,
    threads,
    committer: new Committer(() => threads, clock, new Int32Array(epoch)),
    book: new FilterBook({ compiler, canary, clock, watched: calls.watched }),
    faults: new FaultDesk({ clock, emit: (event) => events.emit(event), quarantine: calls.quarantine }),
    compiler,
    canary,
    stateFile: new StateFile(config.stateDir),
    filterMetrics: new SharedMetrics(sharedMetrics, 0),
    experiments: new Map(),
    debugFirst: options.watch,
    optimize: options.optimize,
    config,
    configText: options.configText,
  };
}

function changed(parts: Parts, owners: readonly string[]): void {
  for (const owner of owners) {
    if (owner === "config") parts.onConfigChanged();
    else void parts.swapper.rebuild(owner).catch(() => {});
  }
}

function received({ runtime }: Parts, threadId: number, message: FromData): void {
  runtime.committer.received(threadId, message);
  if (message.type === "fault") runtime.faults.report(threadId, message.report);
  if (message.type === "retired")
    runtime.events.emit({
      type: "retired",
      text: `${message.key.split(":")[0]}  freed on data thread ${threadId}`,
      data: { threadId, key: message.key },
    });
  if (message.type !== "log") return;
  for (const line of message.lines) {
    const { filter, version, ...rest } = line;
    runtime.events.emit({
      type: "log",
      filter,
      text: `${filter} ${version}  ${line.message}`,
      data: { version, threadId, ...rest },
    });
  }
}

function lost({ runtime }: Parts, threadId: number, cause: Error | undefined): void {
  const text = `data thread ${threadId} ended (${cause?.message ?? "no error"}); a new one takes its place`;
  runtime.events.emit({ type: "thread", text, data: { threadId } });
  runtime.committer.lost(threadId);
  runtime.threads.respawn(threadId);
  runtime.committer.restore(threadId);
}

function sayWarnings(events: EventHub, warnings: readonly Problem[]): void {
  for (const warning of warnings)
    events.emit({ type: "config", text: `warning: ${warning.message}`, problems: [warning] });
}

async function stopEverything(runtime: Runtime): Promise<void> {
  const { threads, config, serial, compiler, canary } = runtime;
  threads.expectExit();
  await serial.idle();
  await drainAll(runtime, config.drainTimeoutMs);
  await threads.stop();
  await Promise.all([compiler.close(), canary.close()]);
}

/** All data threads drain at once; one that does not answer in time is not waited for. */
async function drainAll(runtime: Runtime, timeoutMs: number): Promise<void> {
  const waiting = new Set(runtime.threads.ids);
  const all = Promise.withResolvers<void>();
  const overdue = runtime.clock.after(timeoutMs + 1000, () => all.resolve());
  runtime.threads.onDrained = (threadId) => {
    waiting.delete(threadId);
    if (waiting.size === 0) all.resolve();
  };
  if (waiting.size === 0) all.resolve();
  runtime.threads.broadcast({ type: "drain", timeoutMs });
  await all.promise;
  overdue.cancel();
}
