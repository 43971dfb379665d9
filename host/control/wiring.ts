// Wires the control side: every desk gets what it needs. No rule of its own: read it to see who talks to whom.
import { randomBytes } from "node:crypto";
import { join } from "node:path";
import type { Clock } from "../base/clock.ts";
import type { ProxyConfig } from "../config/options.ts";
import { Jco } from "../module/component/jco.ts";
import type { FaultReport } from "../plugin/services.ts";
import { Compiler } from "../../sdk/build/index.ts";
import { Canary } from "./canary.ts";
import { CertificateWatch } from "./certificate-watch.ts";
import { Committer } from "./committer.ts";
import type { EventHub } from "./events.ts";
import { FaultDesk } from "./fault-desk.ts";
import { FilterBook } from "./filter-book.ts";
import { liveSpace } from "./filter-record.ts";
import { Keeper, type KeeperOptions } from "./keeper.ts";
import { type Poison, Quarantine } from "./quarantine.ts";
import { deafEars } from "./rollout/ears.ts";
import { Trials } from "./rollout/trials.ts";
import type { Runtime } from "./runtime.ts";
import { RecordDesk } from "./record/record-desk.ts";
import { Sampling } from "./record/sampling.ts";
import { Serial } from "./serial.ts";
import { ShadowDesk } from "./shadow/shadow-desk.ts";
import { spawnShadow } from "./shadow/thread-handle.ts";
import { SharedStores } from "./shared-stores.ts";
import { spawnWorker } from "./spawn.ts";
import type { StartOptions } from "./start-options.ts";
import { StateFile } from "./state-file.ts";
import { Swapper } from "./swapper.ts";
import { TapDesk } from "./tap-desk.ts";
import { ThreadDesk } from "./thread-desk.ts";
import { LOG_LEVELS, Threads } from "./threads.ts";
import { sourceFrames, type SourceFrame } from "./trap-position.ts";
import type { Version } from "./version.ts";
import { SourceWatch } from "./watch.ts";

/** A name and two keys, as OpenSSL wants them (tls.Server.setTicketKeys). New with every start, never written down. */
const TICKET_KEY_BYTES = 48;

/** What a start is given once its configuration has been read. */
export interface Given {
  readonly config: ProxyConfig;
  readonly clock: Clock;
  readonly events: EventHub;
}

/** What a start makes and a stop takes apart. */
export interface Parts {
  readonly runtime: Runtime;
  readonly watch: SourceWatch | null;
  readonly certificates: CertificateWatch;
  readonly swapper: Swapper;
  onConfigChanged: () => void;
  onCertificatesChanged: () => void;
}

export function buildParts(options: StartOptions, given: Given): Parts {
  const { clock } = given;
  const changed = (owners: readonly string[]): void => sourcesChanged(parts, owners);
  const poll = options.poll ?? false;
  const watch = options.watch ? new SourceWatch({ clock, poll, changed }) : null;
  const certificates = new CertificateWatch({ clock, poll, changed: () => parts.onCertificatesChanged() });
  const runtime = buildRuntime(options, given, {
    watched: (filter, files) => watch?.set(filter, files),
    quarantine: (poison) => void quarantine.impose(poison),
    desk: () => desk,
  });
  const desk = new ThreadDesk(runtime);
  const swapper = new Swapper(runtime);
  const quarantine = new Quarantine(runtime, swapper);
  const ignored = (): void => {};
  const parts: Parts = {
    runtime,
    watch,
    certificates,
    swapper,
    onConfigChanged: ignored,
    onCertificatesChanged: ignored,
  };
  return parts;
}

/** What the parts call back into, once everything stands. */
interface Calls {
  readonly watched: (filter: string, files: readonly string[]) => void;
  readonly quarantine: (poison: Poison) => void;
  readonly desk: () => ThreadDesk;
}

function buildRuntime(options: StartOptions, given: Given, calls: Calls): Runtime {
  const { config, clock, events } = given;
  const epoch = new SharedArrayBuffer(4);
  const stores = new SharedStores(config.workers);
  const threads: Threads = startThreads(options, { config, epoch, stores, desk: calls.desk });
  const compiler = new Compiler({ cacheDir: join(config.stateDir, "cache"), backgroundRelease: options.watch });
  const canary = new Canary(clock);
  const jco = new Jco({ cacheDir: join(config.stateDir, "cache") });
  const emit: EventHub["emit"] = (event) => events.emit(event);
  const warn = (text: string): void => emit({ type: "log", text: `warning: ${text}` });
  const book = new FilterBook({ compiler, canary, jco, clock, warn, watched: calls.watched });
  const serial = new Serial();
  const stateFile = new StateFile(config.stateDir, jco);
  const experiments: Runtime["experiments"] = new Map();
  const sampling = new Sampling((message) => threads.broadcast(message));
  const save = (): Promise<void> => stateFile.save(book.records, [...experiments.values()]);
  return {
    clock,
    serial,
    events,
    threads,
    committer: new Committer(() => threads, clock, new Int32Array(epoch)),
    book,
    faults: new FaultDesk({
      clock,
      emit,
      locate: (report) => locate(book, report),
      limitsOf: (filter) => book.records.get(filter)?.options.quarantine,
      quarantine: calls.quarantine,
    }),
    compiler,
    canary,
    jco,
    stateFile,
    keeper: new Keeper({ clock, serial, save, ...keeperEars(emit) }),
    stores,
    taps: new TapDesk((message) => threads.broadcast(message)),
    sampling,
    recordings: new RecordDesk({ clock, sampling, events, live: (filter) => book.live(filter) }),
    shadows: newShadowDesk({ clock, events, book, sampling, stores, threads }),
    experiments,
    trials: new Trials(),
    ears: deafEars(),
    debugFirst: options.watch,
    optimize: options.optimize,
    config,
    configText: options.configText,
  };
}

function newShadowDesk(
  parts: Pick<Runtime, "clock" | "events" | "book" | "sampling" | "stores" | "threads">,
): ShadowDesk {
  const { book, threads } = parts;
  const find = (filter: string, version: string): Version => book.get(filter).find(version);
  return new ShadowDesk({
    ...parts,
    live: (filter) => book.live(filter),
    spaceOf: (filter) => liveSpace(book.get(filter)),
    find,
    spawn: spawnShadow,
    threads: () => Math.max(1, threads.ids.length),
  });
}

function keeperEars(emit: EventHub["emit"]): Pick<KeeperOptions, "refused" | "saved"> {
  const log = (text: string): void => emit({ type: "log", text });
  return {
    refused: (reason) =>
      log(`state not saved: ${reason}; serving goes on, but a restart would forget the newest versions`),
    saved: () => log("state saved again"),
  };
}

interface ThreadParts {
  readonly config: ProxyConfig;
  readonly epoch: SharedArrayBuffer;
  readonly stores: SharedStores;
  readonly desk: () => ThreadDesk;
}

function startThreads(options: StartOptions, { config, epoch, stores, desk }: ThreadParts): Threads {
  return new Threads({
    count: config.workers,
    init: {
      epoch,
      threads: config.workers,
      ...stores.handles,
      logLevel: LOG_LEVELS[config.logLevel],
      node: config.node,
      ticketKeys: randomBytes(TICKET_KEY_BYTES),
    },
    spawn: options.spawn ?? spawnWorker,
    onMessage: (threadId, message) => desk().received(threadId, message),
    onLost: (threadId, cause) => desk().lost(threadId, cause),
  });
}

function sourcesChanged(parts: Parts, owners: readonly string[]): void {
  for (const owner of owners) {
    if (owner === "config") parts.onConfigChanged();
    else void parts.swapper.rebuild(owner).catch(() => {});
  }
}

/** Source positions of a faulting guest's frames; only names when the version is not known any more. */
function locate(book: FilterBook, { filter, version, fault }: FaultReport): readonly SourceFrame[] {
  const known = book.records.get(filter)?.versions.find(({ label }) => label === version);
  if (known !== undefined) return sourceFrames(fault.frames, known);
  return fault.frames.map(({ name }) => ({ name, file: "", line: 0, column: 0 }));
}
