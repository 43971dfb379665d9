// Wires the control side: every desk gets what it needs, and what the data threads say goes to whoever waits for it. No
// rule of its own: read it to see who talks to whom.
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { ProxyConfig } from "../config/options.ts";
import type { FromData } from "../link/messages.ts";
import { createSharedData, SharedData } from "../plugin/shared-data.ts";
import { createSharedMetrics, SharedMetrics } from "../plugin/shared-metrics.ts";
import { createSharedQueues } from "../plugin/shared-queue.ts";
import type { FaultReport } from "../plugin/services.ts";
import { Compiler } from "../../sdk/build/index.ts";
import { Canary } from "./canary.ts";
import { Committer } from "./committer.ts";
import type { EventHub } from "./events.ts";
import { FaultDesk } from "./fault-desk.ts";
import { FilterBook } from "./filter-book.ts";
import type { Runtime } from "./runtime.ts";
import { Serial } from "./serial.ts";
import { spawnWorker } from "./spawn.ts";
import type { StartOptions } from "./start-options.ts";
import { StateFile } from "./state-file.ts";
import { Swapper } from "./swapper.ts";
import { Threads } from "./threads.ts";
import { sourceFrames, type SourceFrame } from "./trap-position.ts";
import { SourceWatch } from "./watch.ts";

const LEVELS = { trace: 0, debug: 1, info: 2, warn: 3, error: 4 } as const;

/** What a start makes and a stop takes apart. */
export interface Parts {
  readonly runtime: Runtime;
  readonly watch: SourceWatch | null;
  readonly swapper: Swapper;
  onConfigChanged: () => void;
}

export function buildParts(
  options: StartOptions,
  given: { config: ProxyConfig; clock: Clock; events: EventHub },
): Parts {
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
  const sharedData = createSharedData();
  const compiler = new Compiler({ cacheDir: join(config.stateDir, "cache") });
  const canary = new Canary(clock);
  const threads: Threads = new Threads({
    count: config.workers,
    init: {
      epoch,
      sharedData,
      sharedMetrics,
      sharedQueues: createSharedQueues(),
      logLevel: LEVELS[config.logLevel],
    },
    spawn: options.spawn ?? spawnWorker,
    onMessage: calls.message,
    onLost: calls.lost,
  });
  const book = new FilterBook({ compiler, canary, clock, watched: calls.watched });
  return {
    clock,
    serial: new Serial(),
    events,
    threads,
    committer: new Committer(() => threads, clock, new Int32Array(epoch)),
    book,
    faults: new FaultDesk({
      clock,
      emit: (event) => events.emit(event),
      locate: (report) => locate(book, report),
      quarantine: calls.quarantine,
    }),
    compiler,
    canary,
    stateFile: new StateFile(config.stateDir),
    filterMetrics: new SharedMetrics(sharedMetrics, 0),
    sharedData: new SharedData(sharedData, 0),
    experiments: new Map(),
    lastLost: new Map(),
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
  if (message.type === "queueReady") runtime.threads.send(message.owner, { type: "queueReady", queue: message.queue });
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

/** A thread that dies again and again is replaced at most once a second. */
const RESPAWN_MS = 1000;

function lost({ runtime }: Parts, threadId: number, cause: Error | undefined): void {
  const { events, committer, threads, sharedData, clock } = runtime;
  const text = `data thread ${threadId} ended (${cause?.message ?? "no error"}); a new one takes its place`;
  events.emit({ type: "thread", text, data: { threadId } });
  committer.lost(threadId);
  // What it had locked when it died would stay locked for the others.
  sharedData.freeLocksOf(threadId);
  const now = clock.monotonicMs();
  const wait = now - (runtime.lastLost.get(threadId) ?? -Infinity) < RESPAWN_MS ? RESPAWN_MS : 0;
  runtime.lastLost.set(threadId, now);
  clock.after(wait, () => {
    if (threads.stopping) return;
    threads.respawn(threadId);
    committer.restore(threadId);
  });
}

/** Source positions of a faulting guest's frames; only names when the version is not known any more. */
function locate(book: FilterBook, { filter, version, fault }: FaultReport): readonly SourceFrame[] {
  const known = book.records.get(filter)?.versions.find(({ label }) => label === version);
  return known === undefined
    ? fault.frames.map(({ name }) => ({ name, file: "", line: 0, column: 0 }))
    : sourceFrames(fault.frames, known);
}
