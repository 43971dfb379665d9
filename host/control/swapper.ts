// Changes which version of a filter is live: from a rebuilt source, an upload, a named version, or back. Every way ends in
// one two-phase commit; every failure leaves the old version serving and says so.
import { problemError, toProblems, type ProblemError } from "../base/problem.ts";
import { runningOn } from "./composer.ts";
import type { FilterRecord } from "./filter-record.ts";
import { commitWish, firstMode, type Runtime } from "./runtime.ts";
import type { SwapResult } from "./types.ts";
import { generationKey, type Version } from "./version.ts";

interface Told {
  /** Words before "swapped": how the version came to be. */
  readonly story: string;
  readonly after?: (record: FilterRecord, version: Version) => void;
}

export class Swapper {
  readonly #runtime: Runtime;
  /** filter -> number of its newest rebuild; an older one that ends later is dropped. */
  readonly #newest = new Map<string, number>();

  constructor(runtime: Runtime) {
    this.#runtime = runtime;
  }

  /** Makes `version` live. @throws ProblemError */
  async #swap(name: string, version: Version, told: Told): Promise<SwapResult> {
    const runtime = this.#runtime;
    const record = runtime.book.get(name);
    const old = record.live;
    const faults = runtime.faults.total(name);
    const millis = await commitWish(runtime, { live: new Map([[name, version]]) });
    record.add(version);
    (told.after ?? ((held, live) => held.setLive(live)))(record, version);
    record.problems = [];
    const inFlight = old === null || old === version ? 0 : await this.#streamsOn(old);
    const result = {
      filter: name,
      from: old?.label ?? "",
      to: version.label,
      sha256: version.sha256,
      millis,
      inFlight,
      threads: runtime.threads.ids.length,
    };
    this.#tell(result, { build: version.build, failed: runtime.faults.total(name) - faults, story: told.story });
    runtime.keeper.soon();
    if (result.from !== result.to) runtime.ears.swapped(name, result.to);
    return result;
  }

  async #streamsOn(version: Version): Promise<number> {
    const prefix = `${version.options.name}@${version.label}:`;
    const reports = await this.#runtime.threads.collect("state");
    const draining = reports.flatMap((report) =>
      report.generations.filter(({ key, state }) => key.startsWith(prefix) && state === "draining"),
    );
    return draining.reduce((sum, generation) => sum + generation.streams, 0);
  }

  #tell(result: SwapResult, more: { build: string; failed: number; story: string }): void {
    const { filter, from, to, millis, inFlight } = result;
    const change = from === "" ? to : from === to ? to : `${from} → ${to}`;
    const build = more.build === "debug" || more.build === "optimised" ? ` · ${more.build}` : "";
    const flight = inFlight > 0 ? ` · ${inFlight} in flight finish on ${from}` : "";
    const kept = this.#keptBy(filter);
    const text = `${filter}  ${change}${build}  ${more.story}swapped ${millis.toFixed(0)} ms · ${more.failed} failed${flight}${kept}`;
    this.#runtime.events.emit({ type: "swap", filter, text, data: { ...result, ...more } });
  }

  /** An experiment between named versions decides what traffic gets; a new live version waits behind it. */
  #keptBy(filter: string): string {
    const experiment = runningOn(this.#runtime.experiments, filter);
    if (experiment === undefined || experiment.arms.some((arm) => arm.version === "current")) return "";
    return ` · experiment ${experiment.name} goes on with its own versions`;
  }

  /** Rebuilds from source and swaps; in dev a debug build first, the optimised one behind it. @throws ProblemError */
  async rebuild(name: string): Promise<SwapResult> {
    const { book } = this.#runtime;
    const record = book.get(name);
    if (record.options.source === "")
      throw problemError("state", "no_source", `filter ${name} has no source`, {
        hint: "upload a version, or name one: sluice swap NAME@v2",
      });
    const turn = (this.#newest.get(name) ?? 0) + 1;
    this.#newest.set(name, turn);
    const mode = firstMode(this.#runtime, record.options);
    try {
      const result = await this.#rebuild(record, { turn, mode });
      if (mode === "debug") void this.#optimise(record, turn);
      return result;
    } catch (error) {
      this.#refused(record, error);
      throw error;
    }
  }

  async #rebuild(record: FilterRecord, how: { turn: number; mode: "debug" | "release" }): Promise<SwapResult> {
    const { book, serial } = this.#runtime;
    const { options } = record;
    const { version, millis } = await book.build({ options, mode: how.mode });
    return serial.run(async () => {
      const outdated = this.#newest.get(options.name) !== how.turn;
      const unchanged = record.live === version || record.live?.sha256 === version.sha256;
      if (outdated) return this.#unchanged(record);
      if (record.isBlocked(version)) throw quarantined(options.name, version);
      // The source is good again, and what it makes serves already.
      record.problems = [];
      if (unchanged && sameConfig(record.live, version)) return this.#unchanged(record);
      // A version made meanwhile may have taken the label.
      const labelled = record.versions.includes(version) ? version : { ...version, label: record.nextLabel() };
      return this.#swap(options.name, labelled, { story: compiledIn(millis), after: cameFromSource });
    });
  }

  #unchanged(record: FilterRecord): SwapResult {
    const label = record.live?.label ?? "";
    const text = `${record.options.name}  nothing changed, ${label} keeps serving`;
    this.#runtime.events.emit({ type: "compile", filter: record.options.name, text });
    return {
      filter: record.options.name,
      from: label,
      to: label,
      sha256: record.live?.sha256 ?? "",
      millis: 0,
      inFlight: 0,
      threads: 0,
    };
  }

  /** After a start with debug builds: optimised ones, one after the other, in the background. */
  async optimiseAll(): Promise<void> {
    for (const [name, record] of this.#runtime.book.records) await this.#optimise(record, this.#newest.get(name) ?? 0);
  }

  /** The optimised build takes the debug build's place under the same label, unless something newer came. */
  async #optimise(record: FilterRecord, turn: number): Promise<void> {
    const { book, serial, events } = this.#runtime;
    const { options, live } = record;
    if (live === null || live.build !== "debug" || !this.#runtime.optimize) return;
    const { name } = options;
    try {
      const { version, millis } = await book.build({ options, mode: "release", label: live.label });
      await serial.run(async () => {
        if ((this.#newest.get(name) ?? 0) === turn && record.live === live)
          await this.#swap(name, { ...version, debugSha256: live.sha256 }, { story: compiledIn(millis) });
      });
    } catch (error) {
      const text = `${name}  the optimised build failed, ${live.label} · debug keeps serving: ${String(error)}`;
      events.emit({ type: "compile-failed", filter: name, text, problems: toProblems(error) });
    }
  }

  #refused(record: FilterRecord, error: unknown): void {
    const problems = toProblems(error);
    record.problems = problems;
    const { name } = record.options;
    const serving = record.live === null ? "nothing serves yet" : `still serving ${record.live.label}`;
    const type = problems.some((problem) => problem.kind === "compile") ? "compile-failed" : "swap-refused";
    this.#runtime.events.emit({ type, filter: name, text: `${name}  ${serving}`, problems });
  }

  /** @throws ProblemError */
  async swap(name: string, reference: string): Promise<SwapResult> {
    return this.#runtime.serial.run(async () => {
      const record = this.#runtime.book.get(name);
      const version = record.find(reference);
      record.unblock(version);
      return this.#named(record, version);
    });
  }

  async #named(record: FilterRecord, version: Version): Promise<SwapResult> {
    if (record.live === version) return this.#unchanged(record);
    try {
      return await this.#swap(record.options.name, version, { story: "" });
    } catch (error) {
      this.#refused(record, error);
      throw error;
    }
  }

  /** @throws ProblemError when there is no earlier version */
  async rollback(name: string): Promise<SwapResult> {
    return this.#runtime.serial.run(async () => {
      const record = this.#runtime.book.get(name);
      const { previous, live } = record;
      if (previous === null) {
        const message = `filter ${name} has no version to roll back to; ${live?.label ?? "none"} is the only one that was live`;
        throw problemError("state", "no_previous_version", message);
      }
      return this.#swap(name, previous, { story: "rolled back · ", after: (held, to) => held.rolledBack(to) });
    });
  }

  /** Stores uploaded bytes as a version; with `swap` makes it live. @throws ProblemError */
  async upload(
    name: string,
    wasm: Uint8Array,
    options: { swap: boolean; pluginConfig?: string },
  ): Promise<{ version: Version; swap: SwapResult | null }> {
    const { book, serial } = this.#runtime;
    const record = book.get(name);
    const { pluginConfig = record.options.pluginConfig } = options;
    return serial.run(async () => {
      const version = await book.upload({ ...record.options, pluginConfig }, wasm);
      record.add(version);
      const swap = options.swap ? await this.#named(record, version) : null;
      if (swap === null) await this.#runtime.keeper.now();
      return { version, swap };
    });
  }

  /** As {@link rollback}, for who has a turn in `serial` already. @throws ProblemError */
  async fallBack(record: FilterRecord, good: Version): Promise<SwapResult> {
    const story = "quarantine · ";
    return this.#swap(record.options.name, good, { story, after: (held, to) => held.rolledBack(to) });
  }
}

function cameFromSource(record: FilterRecord, version: Version): void {
  record.setLive(version);
  record.fromSource = version.label;
}

function quarantined(filter: string, { label, sha256 }: Version): ProblemError {
  const message = `filter ${filter}: ${label} (${sha256.slice(0, 12)}) is in quarantine, it kept failing`;
  return problemError("state", "quarantined", message, {
    hint: `change the source or the configuration, or force it: sluice swap ${filter}@${label}`,
  });
}

const compiledIn = (millis: number): string => (millis > 0 ? `compiled ${millis.toFixed(0)} ms · ` : "");

function sameConfig(live: Version | null, version: Version): boolean {
  return (
    live !== null &&
    live.configSha256 === version.configSha256 &&
    generationKey(live, {}).split(":")[1] === generationKey({ ...version, label: live.label }, {}).split(":")[1]
  );
}
