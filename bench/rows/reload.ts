// P8 and P9: uploads of prebuilt modules with different bytes at ten a second, under load. Windows with and without reloads
// alternate, so that both see the same machine.
import { type Bench, wants } from "../bench.ts";
import { type Run, measureOnce, microsOf, warm } from "../measure/alternate.ts";
import { median, ratio } from "../measure/statistics.ts";
import { usageOf } from "../measure/proc.ts";
import { type Row, rowOf, single } from "../row.ts";
import { uploadAndSwap, withOtherBytes } from "../subjects/admin.ts";
import { type Sluice, startSluice } from "../subjects/sluice.ts";

const PER_SECOND = 10;
const WARM_UPS = 20;
const WINDOW_SECONDS = 2;

interface Outcome {
  readonly quiet: readonly Run[];
  readonly busy: readonly Run[];
  readonly reloads: number;
  readonly rssBase: number;
  readonly rssEnd: number;
  readonly reloadMs: readonly number[];
}

export async function reloadRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "P8")) return [];
  const { wasm, path } = await bench.build("tier");
  const { folder, upstream } = bench;
  const subject = await startSluice(folder, {
    name: "sluice-reloads",
    upstream: upstream.port,
    workers: 1,
    filters: { tier: path },
  });
  try {
    await warm(subject, bench.plan);
    return rowsOf(await measure(bench, subject, new Reloader(subject, wasm)));
  } finally {
    await subject.stop();
  }
}

/** Uploads another build every 100 ms until told to stop. */
class Reloader {
  readonly millis: number[] = [];
  readonly #subject: Sluice;
  readonly #wasm: Uint8Array;
  #running = false;
  #done: Promise<void> = Promise.resolve();

  constructor(subject: Sluice, wasm: Uint8Array) {
    this.#subject = subject;
    this.#wasm = wasm;
  }

  get count(): number {
    return this.millis.length;
  }

  async once(): Promise<void> {
    const startedMs = performance.now();
    await uploadAndSwap(this.#subject.adminPort, "tier", withOtherBytes(this.#wasm, this.count));
    this.millis.push(performance.now() - startedMs);
  }

  start(): void {
    this.#running = true;
    this.#done = this.#loop();
  }

  async stop(): Promise<void> {
    this.#running = false;
    await this.#done;
  }

  async #loop(): Promise<void> {
    while (this.#running) {
      const nextMs = performance.now() + 1000 / PER_SECOND;
      await this.once();
      await new Promise((resolve) => setTimeout(resolve, Math.max(0, nextMs - performance.now())));
    }
  }
}

async function measure(bench: Bench, subject: Sluice, reloader: Reloader): Promise<Outcome> {
  const plan = { ...bench.plan, seconds: WINDOW_SECONDS };
  const windows = bench.quick ? 3 : 200 / PER_SECOND / WINDOW_SECONDS;
  const quiet: Run[] = [];
  const busy: Run[] = [];
  reloader.start();
  while (reloader.count < WARM_UPS) await measureOnce(subject, plan);
  await reloader.stop();
  quiet.push(await measureOnce(subject, plan));
  const before = { reloads: reloader.count, rss: usageOf(subject.pid).rssBytes };
  while (busy.length < windows) {
    reloader.start();
    busy.push(await measureOnce(subject, plan));
    await reloader.stop();
    quiet.push(await measureOnce(subject, plan));
  }
  const reloads = reloader.count - before.reloads;
  const rssEnd = usageOf(subject.pid).rssBytes;
  return { quiet, busy, reloads, rssBase: before.rss, rssEnd, reloadMs: reloader.millis };
}

function rowsOf({ quiet, busy, reloads, rssBase, rssEnd, reloadMs }: Outcome): readonly Row[] {
  const failed = [...quiet, ...busy].reduce((sum, run) => sum + run.failed, 0);
  const peer = "no reloads";
  const cpu = ratio(microsOf(busy), microsOf(quiet));
  const tail = median(busy.map((run) => run.p99Ms)) / median(quiet.map((run) => run.p99Ms));
  const growth = (rssEnd / rssBase - 1) * 100;
  const id = "P8";
  return [
    rowOf({ id, what: `failed requests during ${reloads} reloads`, unit: "", figure: single(failed), gate: 0 }),
    rowOf({ id, what: "CPU/req at 10 reloads a second", peer, unit: "x", figure: cpu, gate: 1.1 }),
    rowOf({ id, what: "p99 at 10 reloads a second", peer, unit: "x", figure: single(tail), gate: 2, stretch: 1.2 }),
    rowOf({ id: "P9", what: `RSS growth over ${reloads} reloads`, unit: "%", figure: single(growth), gate: 10 }),
    rowOf({ id: "-", what: "RSS after them", unit: "MB", figure: single(rssEnd / 2 ** 20) }),
    rowOf({ id: "-", what: "upload to swapped, under load", unit: "ms", figure: single(median(reloadMs)) }),
  ];
}
