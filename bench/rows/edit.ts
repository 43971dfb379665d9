// save-to-live: from writing a filter's source to the first response that shows the change, under `sluice dev`, without
// other traffic and while the generator runs. Milliseconds of a person's waiting, hence no CPU accounting.
import { cpSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Bench, guestEntry, wants } from "../bench.ts";
import { runLoad } from "../measure/load.ts";
import { percentile } from "../measure/statistics.ts";
import { type Row, rowOf } from "../row.ts";
import { startSluice } from "../subjects/sluice.ts";
import { type Subject, ask } from "../subjects/subject.ts";

const GATE_MS = 500;
const GIVE_UP_MS = 10_000;
/** Between edits: the optimised build of the last one ends, as it does when a person edits. */
const PAUSE_MS = 700;

export async function editRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "save-to-live")) return [];
  const entry = join(bench.folder, "stamp/assembly/index.ts");
  cpSync(dirname(guestEntry("stamp")), dirname(entry), { recursive: true });
  const subject = await startSluice(bench.folder, {
    name: "sluice-dev",
    upstream: bench.upstream.port,
    workers: 1,
    filters: { stamp: entry },
    command: "dev",
  });
  try {
    const editor = new Editor(entry, subject);
    await editor.edits(3);
    const count = bench.quick ? 5 : 20;
    const idle = rowFor("idle", await editor.edits(count));
    const load = loadUntilStopped(subject, bench.plan.connections);
    const loaded = rowFor("under load", await editor.edits(count));
    load.stop();
    await load.ended;
    return [...idle, ...loaded];
  } finally {
    await subject.stop();
  }
}

class Editor {
  readonly #entry: string;
  readonly #subject: Subject;
  readonly #source: string;
  #edit = 0;

  constructor(entry: string, subject: Subject) {
    this.#entry = entry;
    this.#subject = subject;
    this.#source = readFileSync(entry, "utf8");
  }

  /** Milliseconds of each edit. */
  async edits(count: number): Promise<readonly number[]> {
    const millis: number[] = [];
    for (let at = 0; at < count; at++) {
      millis.push(await this.#once());
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
    return millis;
  }

  async #once(): Promise<number> {
    const value = `edit-${++this.#edit}`;
    const startedMs = performance.now();
    writeFileSync(this.#entry, this.#source.replace("edit-0", value));
    while ((await ask(this.#subject.port))?.headers["x-edit"] !== value) {
      if (performance.now() - startedMs > GIVE_UP_MS) throw new Error(`${value} did not go live`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    return performance.now() - startedMs;
  }
}

function loadUntilStopped(subject: Subject, connections: number): { stop(): void; ended: Promise<void> } {
  const state = { running: true };
  const drive = async (): Promise<void> => {
    while (state.running) await runLoad({ port: subject.port, connections, seconds: 2 });
  };
  return { stop: () => void (state.running = false), ended: drive() };
}

function rowFor(when: string, millis: readonly number[]): readonly Row[] {
  return [50, 95].map((percent) => {
    const value = percentile(millis, percent);
    const what = `save to live, ${when}, p${percent} of ${millis.length}`;
    const goal = percent === 95 ? { gate: GATE_MS } : {};
    return rowOf({ id: "save-to-live", what, unit: "ms", figure: { min: value, median: value }, ...goal });
  });
}
