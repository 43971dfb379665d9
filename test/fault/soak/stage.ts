// What a soak plays on: an upstream, a folder with sources and configuration, the proxy in a process of its own, and load.
import { mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { guest, withNonce } from "../../support/modules.ts";
import { Load } from "./load.ts";
import { Subject } from "./subject-process.ts";
import { neverDone, quiet } from "./villains.ts";

export const THREADS = 2;
/** In the chain. */
export const FILTERS = 3;
/** How long a version may go on after it was replaced. */
export const DRAIN_MS = 1000;

export class Stage {
  readonly subject: Subject;
  readonly load: Load;
  readonly folder: string;
  readonly #upstream: Server;
  readonly #held: ServerResponse[];
  readonly #stamp: Uint8Array;
  #nonce = 0;

  private constructor(parts: {
    subject: Subject;
    folder: string;
    upstream: Server;
    held: ServerResponse[];
    stamp: Uint8Array;
  }) {
    this.subject = parts.subject;
    this.folder = parts.folder;
    this.#upstream = parts.upstream;
    this.#held = parts.held;
    this.#stamp = parts.stamp;
    this.load = new Load(this.subject.port, "first");
  }

  static async open(): Promise<Stage> {
    const folder = mkdtempSync(join(tmpdir(), "sluice-soak-"));
    const held: ServerResponse[] = [];
    const upstream = createServer((incoming, answer) => {
      incoming.resume();
      if (incoming.url === "/hold") held.push(answer);
      else answer.end("ok");
    });
    upstream.keepAliveTimeout = 120_000;
    await new Promise<void>((ready) => upstream.listen(0, "127.0.0.1", ready));
    const stamp = await guest("stamp");
    writeFileSync(join(folder, "stamp.wasm"), stamp);
    writeFileSync(join(folder, "risky.wasm"), quiet(0));
    pointTo(folder, 0);
    writeConfig(folder, upstream, { word: "first", flapped: false });
    const subject = await Subject.start(join(folder, "sluice.yaml"));
    return new Stage({ subject, folder, upstream, held, stamp });
  }

  get nonce(): number {
    return ++this.#nonce;
  }

  /** The stamp filter with bytes of its own. */
  stamp(): Uint8Array {
    return withNonce(this.#stamp, this.nonce);
  }

  /** How many requests wait for {@link release}. */
  get held(): number {
    return this.#held.length;
  }

  release(): void {
    for (const answer of this.#held.splice(0)) answer.end("late");
  }

  configure(word: string, flapped: boolean): void {
    writeConfig(this.folder, this.#upstream, { word, flapped });
  }

  writeSource(bytes: Uint8Array): void {
    writeFileSync(join(this.folder, "stamp.wasm"), bytes);
  }

  /** The linked filter's folder becomes another one, in one step. */
  relink(): void {
    pointTo(this.folder, this.nonce);
  }

  get state(): { readonly filters: Readonly<Record<string, { readonly live: string }>> } {
    return JSON.parse(readFileSync(join(this.folder, "state/state.json"), "utf8"));
  }

  async close(): Promise<number | null> {
    const code = await this.subject.stop();
    this.#upstream.closeAllConnections();
    await new Promise((closed) => this.#upstream.close(closed));
    rmSync(this.folder, { recursive: true, force: true });
    return code;
  }
}

function pointTo(folder: string, release: number): void {
  mkdirSync(join(folder, `release-${release}`));
  writeFileSync(join(folder, `release-${release}/linked.wasm`), neverDone(release));
  symlinkSync(`release-${release}`, join(folder, "current.new"));
  renameSync(join(folder, "current.new"), join(folder, "current"));
}

/** `flapped`: routes, limits, clusters and filter options are all others. */
function writeConfig(folder: string, upstream: Server, { word, flapped }: { word: string; flapped: boolean }): void {
  const { port } = upstream.address() as AddressInfo;
  const routes = [
    ...(flapped ? [{ name: "more", match: { prefix: "/more" }, route: { cluster: "other" } }] : []),
    { name: "all", match: { prefix: "/" }, route: { cluster: "web" } },
  ];
  const cluster = (name: string): object => ({
    name,
    endpoints: [{ address: `127.0.0.1:${port}` }],
    ...(flapped ? { connectTimeout: "4s" } : {}),
  });
  const config = {
    stateDir: "state",
    admin: false,
    workers: THREADS,
    drainTimeout: `${DRAIN_MS}ms`,
    listeners: [
      {
        name: "public",
        address: "127.0.0.1:0",
        filters: ["stamp", "risky", "linked"],
        routes,
        limits: { maxHeaders: flapped ? 90 : 100 },
      },
    ],
    clusters: [cluster("web"), ...(flapped ? [cluster("other")] : [])],
    filters: [
      { name: "stamp", source: "./stamp.wasm", pluginConfig: { word } },
      { name: "risky", source: "./risky.wasm", failurePolicy: "FAIL_OPEN" },
      { name: "linked", source: "./current/linked.wasm", ...(flapped ? { limits: { memory: "8MiB" } } : {}) },
    ],
  };
  const path = join(folder, "sluice.yaml");
  writeFileSync(`${path}.new`, JSON.stringify(config, null, 1));
  renameSync(`${path}.new`, path);
}
