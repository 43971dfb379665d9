// jco as its callers see it: a cache in front of one child process that is started at the first component and ended when
// idle. Nothing of jco is ever loaded into this process. One per control side and per command: `close()` it.
import { type ChildProcess, fork } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { problemError } from "../../base/problem.ts";
import { TranspileCache } from "./transpile-cache.ts";
import type { ComponentAnswer, ComponentAsk, ComponentJob, Transpiled } from "./transpiled.ts";

const PACKAGE = "@bytecodealliance/jco-transpile";
const TESTED = "0.15.0";
// `.ts` when run from source, `.js` when emitted.
const CHILD = fileURLToPath(new URL(`./child${import.meta.url.slice(-3)}`, import.meta.url));
const IDLE_MS = 60_000;
/** A component of 12 MB takes 2 s on a loaded machine. */
const DEADLINE_MS = 60_000;
/** Of what the child prints, so much is kept for the report of a crash. */
const KEPT_OUTPUT = 2000;

export interface JcoOptions {
  /** Folder of the cache; absent = nothing is kept. */
  readonly cacheDir?: string;
}

type Settle = (answer: ComponentAnswer) => void;

export class Jco {
  readonly #cache: TranspileCache | null;
  #child: ChildProcess | null = null;
  #settle: Settle | null = null;
  #turn: Promise<unknown> = Promise.resolve();
  #timer: NodeJS.Timeout | null = null;
  #output = "";
  #ids = 0;
  #version: string | null = null;

  constructor({ cacheDir }: JcoOptions = {}) {
    this.#cache = cacheDir === undefined ? null : new TranspileCache(cacheDir);
  }

  /** Process id of the child; null while none runs. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  /**
   * Takes a component apart.
   * @param what names it in messages
   * @throws ProblemError (kind `abi`) in jco's words, or when jco is not installed
   */
  async transpile(bytes: Uint8Array, what: string): Promise<Transpiled> {
    const known = this.cached(bytes);
    if (known !== null) return known;
    const { transpiled, failure } = await this.#run({ kind: "transpile", bytes });
    if (transpiled === undefined)
      throw problemError("abi", "bad_component", `${what}: jco cannot take it apart: ${words(failure)}`, {
        hint: "check it with `wasm-tools validate`, or build it again with newer tools",
      });
    await this.#cache?.keep(bytes, this.#jcoVersion(), transpiled);
    return transpiled;
  }

  /** What an earlier run has made of the same bytes. */
  cached(bytes: Uint8Array): Transpiled | null {
    return this.#cache === null ? null : this.#cache.find(bytes, this.#jcoVersion());
  }

  /** Makes a component. @param what names its source in messages @throws ProblemError */
  async componentize(job: Exclude<ComponentJob, { kind: "transpile" }>, what: string): Promise<Uint8Array> {
    if (job.kind === "javascript") assertInstalled("componentize-qjs", "0.4.3");
    const { component, failure } = await this.#run(job);
    if (component !== undefined) return component;
    throw problemError("abi", "not_componentized", `${what} cannot be made into a component: ${words(failure)}`);
  }

  /** The installed version: part of the cache's key. @throws ProblemError when jco is not installed */
  #jcoVersion(): string {
    return (this.#version ??= installedVersion());
  }

  /** One job after the other. */
  async #run(job: ComponentJob): Promise<ComponentAnswer> {
    this.#jcoVersion();
    const turn = this.#turn.then(() => this.#ask(job));
    this.#turn = turn.catch(() => {});
    const answer = await turn;
    // A panic inside wasm-tools leaves them unusable.
    if (answer.failure !== undefined) this.#end();
    return answer;
  }

  #ask(job: ComponentJob): Promise<ComponentAnswer> {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const child = (this.#child ??= this.#start());
    child.ref();
    const id = ++this.#ids;
    return new Promise((resolve) => {
      this.#timer = setTimeout(() => this.#give({ id, failure: `no answer within ${DEADLINE_MS} ms` }), DEADLINE_MS);
      this.#settle = resolve;
      child.send({ id, job } satisfies ComponentAsk);
    });
  }

  #start(): ChildProcess {
    const child = fork(CHILD, [], {
      serialization: "advanced",
      stdio: ["ignore", "pipe", "pipe", "ipc"],
      execArgv: [],
    });
    this.#output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-KEPT_OUTPUT)));
    }
    child.on("message", (answer: ComponentAnswer) => {
      if (this.#child === child && answer.id === this.#ids) this.#give(answer);
    });
    const ended = (): void => {
      if (this.#child !== child) return;
      this.#child = null;
      this.#give({ id: this.#ids, failure: `its process ended: ${this.#output.trim() || "without a word"}` });
    };
    child.on("close", ended);
    child.on("error", ended);
    return child;
  }

  #give(answer: ComponentAnswer): void {
    if (this.#timer !== null) clearTimeout(this.#timer);
    const settle = this.#settle;
    this.#settle = null;
    // An idle child must not keep the process alive.
    this.#child?.unref();
    this.#child?.channel?.unref();
    this.#timer = setTimeout(() => this.#end(), IDLE_MS).unref();
    settle?.(answer);
  }

  #end(): void {
    const child = this.#child;
    this.#child = null;
    child?.kill();
  }

  /** Ends the process; a job under way fails. */
  close(): void {
    this.#end();
    this.#give({ id: this.#ids, failure: "it was closed" });
    if (this.#timer !== null) clearTimeout(this.#timer);
  }
}

const words = (failure = "nothing came out"): string => failure.split("\n").slice(0, 3).join(" ");

function installedVersion(): string {
  const entry = fileURLToPath(assertInstalled(PACKAGE, TESTED));
  const manifest = JSON.parse(readFileSync(join(dirname(entry), "../package.json"), "utf8")) as { version: string };
  return manifest.version;
}

/** The URL of a package that is there only when somebody wants components. @throws ProblemError when it is not */
function assertInstalled(name: string, version: string): string {
  try {
    return import.meta.resolve(name);
  } catch {
    throw problemError("state", "package_missing", `this needs ${name}, which is not installed`, {
      hint: `npm install ${name}@${version}`,
    });
  }
}
