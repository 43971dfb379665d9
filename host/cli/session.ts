// A running proxy with a person or a supervisor in front of it: banner, events, keys, signals, admin API. `demo`, `dev`
// and `run` differ only in what they hand in here.
import { type RunningAdmin, startAdmin } from "../admin/server.ts";
import { systemClock } from "../base/clock.ts";
import { toProblems } from "../base/problem.ts";
import type { ControlPlane, SluiceEvent } from "../control/types.ts";
import { banner, type BannerFacts, KEY_HELP, KEY_LINE, urlLines } from "./banner.ts";
import { formatEvent } from "./events.ts";
import { EXIT } from "./exit.ts";
import { type Key, type KeyInput, listenForKeys } from "./keys.ts";
import { createLog, type LogFormat } from "./log.ts";
import { openPage } from "./open.ts";
import { loadPrometheus, loadStart, type RunningSluice, type StartOptions } from "./parts.ts";
import { handleSignals, type SignalSource, type StopSignal } from "./signals.ts";
import { statLines } from "./stat-lines.ts";
import type { Terminal } from "./terminal.ts";
import { VERSION } from "./version.ts";

export interface SessionOptions {
  readonly start: StartOptions;
  readonly terminal: Terminal;
  /** A person may be there: keys, 130 on INT. */
  readonly isInteractive: boolean;
  readonly logFormat: LogFormat;
  /** Open the admin page once it is up. */
  readonly open: boolean;
  /** Log from `debug` up. */
  readonly verbose: boolean;
  /** Where the admin API listens, instead of the config's host. */
  readonly adminHost?: string;
  /** Called when requests are taken; returns further banner lines. */
  readonly onReady?: (running: RunningSluice) => Promise<BannerFacts["more"]>;
  /** What stands under the statistics of the `s` key. */
  readonly moreStats?: () => readonly string[];
}

/** What a session takes from the process, so that tests can hand in their own. */
export interface SessionWorld {
  readonly signals: SignalSource;
  readonly input: KeyInput;
  readonly exit: (code: number) => void;
  readonly startSluice: typeof loadStart;
  readonly renderMetrics: typeof loadPrometheus;
}

export const realWorld: SessionWorld = {
  signals: process,
  input: process.stdin,
  exit: (code) => process.exit(code),
  startSluice: loadStart,
  renderMetrics: loadPrometheus,
};

class Session {
  readonly #options: SessionOptions;
  readonly #world: SessionWorld;
  readonly #running: RunningSluice;
  readonly #admin: RunningAdmin | null;
  readonly #more: BannerFacts["more"];
  exitCode: number = EXIT.ok;

  constructor(parts: SessionParts) {
    this.#options = parts.options;
    this.#world = parts.world;
    this.#running = parts.running;
    this.#admin = parts.admin;
    this.#more = parts.more;
  }

  /** Until the data threads have ended. */
  async run(): Promise<void> {
    const signals = handleSignals(this.#world.signals, this.#actions(), systemClock);
    const press = (key: Key): void => void this.#press(key, signals.stop);
    const keys = this.#hasKeys() ? listenForKeys(this.#world.input, press) : null;
    try {
      await this.#greet();
      await this.#running.stopped;
    } finally {
      keys?.close();
      signals.close();
      await this.#admin?.close();
    }
  }

  get #facts(): BannerFacts {
    return { control: this.#running.control, adminUrl: this.#admin?.url ?? "", more: this.#more };
  }

  #hasKeys(): boolean {
    return this.#options.isInteractive && this.#world.input.isTTY && !this.#options.terminal.json;
  }

  async #greet(): Promise<void> {
    const { terminal } = this.#options;
    if (terminal.json) {
      const listeners = await this.#running.control.listeners();
      terminal.data(JSON.stringify({ type: "listening", listeners, admin: this.#facts.adminUrl }));
    } else if (!terminal.quiet) {
      terminal.data(await banner(this.#facts, terminal, performance.now()));
      if (this.#hasKeys()) terminal.data(KEY_LINE);
    }
    if (this.#options.open && this.#admin !== null) openPage(this.#admin.url);
  }

  #actions() {
    return {
      drain: (signal: StopSignal): void => {
        this.exitCode = signal === "SIGINT" && this.#options.isInteractive ? EXIT.interrupted : EXIT.ok;
        this.#running.control.shutdown(signal).catch((error: unknown) => this.#complain(error));
      },
      force: (signal: StopSignal): void => this.#world.exit(signal === "SIGINT" ? EXIT.interrupted : 143),
      reload: (): void => void this.#reload(),
    };
  }

  async #reload(): Promise<void> {
    try {
      await this.#running.control.reload();
    } catch (error) {
      // The control side has kept the old configuration and says so as an event; nothing stops for a bad file.
      if (toProblems(error)[0]?.kind === "state") this.#complain(error);
    }
  }

  #complain(error: unknown): void {
    this.#options.terminal.problems(toProblems(error));
  }

  async #press(key: Key, stop: (signal: StopSignal) => void): Promise<void> {
    const { terminal } = this.#options;
    if (key === "interrupt") stop("SIGINT");
    else if (key === "q") stop("SIGTERM");
    else if (key === "r") await this.#reload();
    else if (key === "o" && this.#admin !== null) openPage(this.#admin.url);
    else if (key === "h") terminal.data(KEY_HELP);
    else if (key === "u") terminal.data(await urlLines(this.#facts, terminal));
    else if (key === "s") terminal.data(await this.#stats());
  }

  async #stats(): Promise<string> {
    const lines = await statLines(this.#running.control);
    return [...lines, ...(this.#options.moreStats?.() ?? [])].join("\n");
  }
}

interface SessionParts {
  readonly options: SessionOptions;
  readonly world: SessionWorld;
  readonly running: RunningSluice;
  readonly admin: RunningAdmin | null;
  readonly more: BannerFacts["more"];
}

/** Bookkeeping that only `--verbose` and `--json` show. */
const QUIET_EVENTS: readonly SluiceEvent["type"][] = ["retired", "ready"];

function showEvents(control: ControlPlane, { terminal, verbose }: SessionOptions): () => void {
  return control.events.subscribe((event: SluiceEvent) => {
    if (!terminal.json && !verbose && QUIET_EVENTS.includes(event.type)) return;
    if (terminal.json) terminal.data(JSON.stringify(event));
    else if (!terminal.quiet) terminal.data(formatEvent(event, terminal));
  });
}

async function openAdmin(
  control: ControlPlane,
  options: SessionOptions,
  world: SessionWorld,
): Promise<RunningAdmin | null> {
  const { admin } = control.config;
  if (admin === null) return null;
  return startAdmin({
    control,
    address: {
      host: options.adminHost ?? admin.host,
      port: options.start.overrides.adminPort ?? admin.port,
    },
    token: admin.token,
    log: await createLog(options.terminal, options.logFormat),
    renderMetrics: await world.renderMetrics(),
    version: VERSION,
  });
}

/** Starts, waits for the end, and resolves to the exit code. */
export async function runSession(options: SessionOptions, world: SessionWorld = realWorld): Promise<number> {
  const startSluice = await world.startSluice();
  const running = await startSluice(options.start);
  const { control } = running;
  const hide = showEvents(control, options);
  try {
    const admin = await openAdmin(control, options, world);
    if (options.verbose) await control.setLogLevel("debug");
    const more = (await options.onReady?.(running)) ?? [];
    const session = new Session({ options, world, running, admin, more });
    await session.run();
    return session.exitCode;
  } catch (error) {
    // Half a start is none: the data threads must not outlive the failure.
    await control.shutdown("start failed").catch(() => undefined);
    throw error;
  } finally {
    hide();
  }
}
