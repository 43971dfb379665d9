// Watches source files and says which filters they belong to. Folders are watched, not files: editors replace a file by
// renaming a new one over it, and mounted configuration is swapped by symlink.
import { watch, type FSWatcher } from "node:fs";
import { stat } from "node:fs/promises";
import { basename, dirname } from "node:path";
import type { Clock, Timer } from "../base/clock.ts";

/** Long enough for an editor to finish its write-and-rename, short enough not to be felt. */
const DEBOUNCE_MS = 20;
const POLL_MS = 300;

export interface WatchOptions {
  readonly clock: Clock;
  /** Look at modification times instead of asking the kernel (network mounts). */
  readonly poll: boolean;
  readonly changed: (owners: readonly string[]) => void;
  /** Quiet time before `changed`. Default 20 ms. */
  readonly debounceMs?: number;
}

export class SourceWatch {
  readonly #options: WatchOptions;
  /** file -> who depends on it. */
  readonly #owners = new Map<string, Set<string>>();
  readonly #folders = new Map<string, FSWatcher | null>();
  readonly #touched = new Set<string>();
  readonly #times = new Map<string, number>();
  #timer: Timer | null = null;
  #poller: Timer | null = null;
  #closed = false;

  constructor(options: WatchOptions) {
    this.#options = options;
    if (options.poll) this.#armPoll();
  }

  /** `owner` depends on exactly these files from now on. */
  set(owner: string, files: readonly string[]): void {
    for (const owners of this.#owners.values()) owners.delete(owner);
    for (const file of files) {
      const owners = this.#owners.get(file) ?? new Set();
      this.#owners.set(file, owners.add(owner));
      if (!this.#options.poll) this.#watchFolder(dirname(file));
    }
    for (const [file, owners] of this.#owners) if (owners.size === 0) this.#owners.delete(file);
  }

  #watchFolder(folder: string): void {
    if (this.#folders.has(folder) || this.#closed) return;
    try {
      const watcher = watch(folder, { persistent: false }, (_event, name) => this.#stirred(folder, name));
      watcher.on("error", () => this.#forget(folder));
      this.#folders.set(folder, watcher);
    } catch {
      // Gone or not readable: the next build names the file.
      this.#folders.set(folder, null);
    }
  }

  #forget(folder: string): void {
    this.#folders.get(folder)?.close();
    this.#folders.delete(folder);
  }

  #stirred(folder: string, name: string | null): void {
    for (const [file, owners] of this.#owners) {
      if (dirname(file) !== folder || (name !== null && basename(file) !== name && name !== "..data")) continue;
      for (const owner of owners) this.#touched.add(owner);
    }
    this.#flushSoon();
  }

  #flushSoon(): void {
    if (this.#touched.size === 0) return;
    this.#timer?.cancel();
    this.#timer = this.#options.clock.after(this.#options.debounceMs ?? DEBOUNCE_MS, () => {
      const owners = [...this.#touched];
      this.#touched.clear();
      if (!this.#closed) this.#options.changed(owners);
    });
  }

  #armPoll(): void {
    this.#poller = this.#options.clock.after(POLL_MS, () => void this.#poll());
  }

  async #poll(): Promise<void> {
    for (const [file, owners] of this.#owners) {
      const time = await stat(file).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      );
      const known = this.#times.get(file);
      this.#times.set(file, time);
      if (known !== undefined && known !== time) for (const owner of owners) this.#touched.add(owner);
    }
    this.#flushSoon();
    if (!this.#closed) this.#armPoll();
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#poller?.cancel();
    for (const watcher of this.#folders.values()) watcher?.close();
    this.#folders.clear();
  }
}
