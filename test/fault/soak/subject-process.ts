// The soak's end of the process under soak: starts and stops it, speaks to its admin API, hears its events, and takes its
// disk away.
import { execFileSync, fork, type ChildProcess } from "node:child_process";
import { join } from "node:path";
import type { SluiceEvent } from "../../../host/control/types.ts";
import type { Asked, Look, Told } from "./words.ts";

interface Waiting {
  readonly fits: (event: SluiceEvent) => boolean;
  readonly found: (event: SluiceEvent) => void;
}

export interface Reply {
  readonly status: number;
  readonly body: unknown;
}

const EVENT_MS = 20_000;

export class Subject {
  readonly #child: ChildProcess;
  readonly #waiting = new Set<Waiting>();
  #looked: (look: Look) => void = () => {};
  readonly exit: Promise<number | null>;
  readonly complaints: string[] = [];
  /** How often each type of event came. */
  readonly events = new Map<string, number>();
  port = 0;
  #adminUrl = "";

  private constructor(child: ChildProcess) {
    this.#child = child;
    this.exit = new Promise((ended) => child.once("exit", (code) => ended(code)));
  }

  static async start(configPath: string, execArgv: readonly string[] = []): Promise<Subject> {
    const child = fork(join(import.meta.dirname, "subject.ts"), [configPath], {
      execArgv: [...execArgv],
      stdio: ["ignore", "ignore", "pipe", "ipc"],
    });
    const subject = new Subject(child);
    child.stderr?.on("data", (text) => subject.complaints.push(String(text)));
    await new Promise<void>((ready, failed) => {
      child.on("message", (told: Told) => subject.#told(told, ready));
      void subject.exit.then((code) => failed(new Error(`ended with ${code}: ${subject.complaints.join("")}`)));
    });
    return subject;
  }

  #told(told: Told, ready: () => void): void {
    if ("threads" in told) this.#looked(told);
    else if ("complaint" in told) this.complaints.push(told.complaint);
    else if ("event" in told) this.#heard(told.event);
    else {
      this.port = told.port;
      this.#adminUrl = told.adminUrl;
      ready();
    }
  }

  #heard(event: SluiceEvent): void {
    this.events.set(event.type, (this.events.get(event.type) ?? 0) + 1);
    for (const waiting of this.#waiting) {
      if (!waiting.fits(event)) continue;
      this.#waiting.delete(waiting);
      waiting.found(event);
    }
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** The next event that fits. Ask before you cause it. */
  event(what: string, fits: (event: SluiceEvent) => boolean): Promise<SluiceEvent> {
    return new Promise((found, failed) => {
      const late = setTimeout(() => failed(new Error(`no event within ${EVENT_MS} ms: ${what}`)), EVENT_MS);
      const waiting = {
        fits,
        found: (event: SluiceEvent): void => {
          clearTimeout(late);
          found(event);
        },
      };
      this.#waiting.add(waiting);
    });
  }

  hangUp(): void {
    this.#child.kill("SIGHUP");
  }

  terminateThread(threadId: number): void {
    this.#child.send({ ask: "terminate", threadId } satisfies Asked);
  }

  look(): Promise<Look> {
    return new Promise((looked) => {
      this.#looked = looked;
      this.#child.send({ ask: "look" } satisfies Asked);
    });
  }

  async get(path: string): Promise<string> {
    return (await fetch(`${this.#adminUrl}${path}`)).text();
  }

  async post(path: string, body: Uint8Array | object = {}): Promise<Reply> {
    const isBytes = body instanceof Uint8Array;
    const response = await fetch(`${this.#adminUrl}${path}`, {
      method: "POST",
      headers: { "content-type": isBytes ? "application/wasm" : "application/json" },
      body: isBytes ? Buffer.from(body) : JSON.stringify(body),
    });
    return { status: response.status, body: await response.json() };
  }

  /** From now on no file grows beyond `bytes`: writes end short and then fail, as on a full disk. Null: no such limit. */
  limitFiles(bytes: number | null): void {
    // Only the soft limit, which every user may raise again. Node ignores SIGXFSZ, so that a write fails with EFBIG.
    execFileSync("prlimit", [`--pid=${this.pid}`, `--fsize=${bytes ?? "unlimited"}:`]);
  }

  async stop(): Promise<number | null> {
    this.#child.kill("SIGTERM");
    return this.exit;
  }

  kill(): void {
    this.#child.kill("SIGKILL");
  }
}
