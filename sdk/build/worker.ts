// The compiler's child process as seen by its owner: started at the first job, one job at a time, ended when idle.
import { type ChildProcess, fork } from "node:child_process";
import { setPriority } from "node:os";
import { fileURLToPath } from "node:url";
import type { BuildJob, BuildResult } from "./build-filter.ts";
import type { Answer, Ask } from "./child.ts";

/** The child ended in the middle of a job: asc has crashed (it calls `process.exit`). */
export class CompilerCrash extends Error {
  constructor(output: string) {
    super(output);
    this.name = "CompilerCrash";
  }
}

interface Waiting {
  readonly id: number;
  readonly resolve: (result: BuildResult | null) => void;
  readonly reject: (error: Error) => void;
}

// `.ts` when run from source, `.js` when emitted: a specifier in `new URL` is not rewritten.
const CHILD = fileURLToPath(new URL(`./child${import.meta.url.slice(-3)}`, import.meta.url));
/** Of what the child prints, so much is kept for the report of a crash. */
const KEPT_OUTPUT = 4000;

/** Owns the child process. */
export class Worker {
  readonly #idleMs: number;
  readonly #nice: number;
  #child: ChildProcess | null = null;
  #waiting: Waiting | null = null;
  #idle: NodeJS.Timeout | null = null;
  #output = "";
  #ids = 0;

  /** @param nice added to the child's priority number; a platform that refuses is asked no further */
  constructor(idleMs: number, nice = 0) {
    this.#idleMs = idleMs;
    this.#nice = nice;
  }
  /** Process id of the child, null while there is none. */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }
  /** Runs one job (null: only warms up). Never call it while another is under way. */
  run(job: BuildJob | null): Promise<BuildResult | null> {
    if (this.#idle !== null) clearTimeout(this.#idle);
    const child = (this.#child ??= this.#start());
    const id = ++this.#ids;
    child.ref();
    return new Promise((resolve, reject) => {
      this.#waiting = { id, resolve, reject };
      child.send({ id, job } satisfies Ask);
    });
  }
  /** Ends the child; a running job is rejected. */
  stop(): void {
    if (this.#idle !== null) clearTimeout(this.#idle);
    this.#child?.kill();
    this.#child = null;
    this.#settle()?.reject(new Error("the compiler was closed"));
  }

  #start(): ChildProcess {
    // `advanced`: binaries travel as bytes. No execArgv: flags of the parent (a test runner's) are not the child's.
    const child = fork(CHILD, [], { serialization: "advanced", stdio: ["ignore", "pipe", "pipe", "ipc"], execArgv: [] });
    this.#output = "";
    this.#stepBack(child);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => (this.#output = (this.#output + chunk.toString()).slice(-KEPT_OUTPUT)));
    }
    child.on("message", (answer: Answer) => this.#answered(answer));
    // `close`, not `exit`: by then everything it printed has arrived.
    child.on("close", () => this.#ended(child));
    child.on("error", () => this.#ended(child));
    return child;
  }
  #stepBack({ pid }: ChildProcess): void {
    if (this.#nice === 0 || pid === undefined) return;
    try {
      setPriority(pid, this.#nice);
    } catch {
      // It then competes on equal terms.
    }
  }
  #answered(answer: Answer): void {
    if (this.#waiting?.id !== answer.id) return;
    const child = this.#child;
    const waiting = this.#settle();
    // An idle child must not keep the process alive.
    child?.unref();
    child?.channel?.unref();
    this.#idle = setTimeout(() => this.stop(), this.#idleMs).unref();
    waiting?.resolve(answer.result);
  }
  #ended(child: ChildProcess): void {
    if (this.#child !== child) return;
    this.#child = null;
    this.#settle()?.reject(new CompilerCrash(this.#output.trim()));
  }
  #settle(): Waiting | null {
    const waiting = this.#waiting;
    this.#waiting = null;
    return waiting;
  }
}
