// Composition root of the control side: wires the desks, brings the data threads up, loads the first snapshot, opens the
// admin API's door. Read top to bottom: the order is the order of a start.
import { readFile } from "node:fs/promises";
import { systemClock } from "../base/clock.ts";
import type { Problem } from "../base/problem.ts";
import type { ProxyConfig } from "../config/options.ts";
import { assertPortFree } from "../net/port-check.ts";
import { ConfigDesk, readConfig, type ConfigSource } from "./config-desk.ts";
import { Control } from "./control.ts";
import { EventHub } from "./events.ts";
import { ExperimentDesk } from "./experiment-desk.ts";
import { firstLoad } from "./first-load.ts";
import { connectionsFor, openFilesLimit } from "./open-files.ts";
import { Hooks, postJson } from "./rollout/hooks.ts";
import { RolloutDesk } from "./rollout/rollout-desk.ts";
import type { Runtime } from "./runtime.ts";
import { assertStateFolder } from "./state-folder.ts";
import type { StartOptions } from "./start-options.ts";
import type { ControlPlane } from "./types.ts";
import { buildParts } from "./wiring.ts";

export interface RunningSluice {
  readonly control: ControlPlane;
  /** When everything has ended. */
  readonly stopped: Promise<void>;
}

/** @throws ProblemError when the configuration is bad, a port is taken, or (without watch) a filter does not load */
export async function startSluice(options: StartOptions): Promise<RunningSluice> {
  const clock = options.clock ?? systemClock;
  const source = configSource(options);
  const { config, warnings } = await readConfig(options.configText, source);
  for (const { host, port } of config.listeners) await assertPortFree(host, port);
  assertStateFolder(config.stateDir);
  const events = new EventHub(clock);
  const parts = buildParts(options, { config, clock, events });
  const { runtime, watch, certificates, swapper } = parts;
  sayWarnings(events, warnings);
  const stopped = Promise.withResolvers<void>();
  const shutdown = async (): Promise<void> => {
    watch?.close();
    certificates.close();
    rollouts.close();
    await stopEverything(runtime);
    stopped.resolve();
  };
  const desk = new ConfigDesk(runtime, source, (loaded) => certificates.serves(loaded));
  const experiments = new ExperimentDesk(runtime, options.configPath);
  const rollouts = new RolloutDesk(runtime, experiments, new Hooks(postJson));
  const control = new Control(runtime, {
    swapper,
    experiments,
    rollouts,
    config: desk,
    readConfigFile: () => readFile(options.configPath, "utf8"),
    shutdown,
  });
  parts.onCertificatesChanged = () => void desk.refreshCertificates();
  parts.onConfigChanged = () => void control.reload().catch(() => {});
  try {
    await firstLoad(runtime, { strict: !options.watch });
    void swapper.optimiseAll();
    // The first save finds the compiler awake.
    if (options.watch) void runtime.compiler.warm().catch(() => {});
  } catch (error) {
    await shutdown();
    throw error;
  }
  watch?.set("config", [options.configPath]);
  certificates.serves(runtime.config);
  sayOpenFiles(events, runtime.config.maxConnections);
  control.state = "ready";
  events.emit({ type: "ready", text: `ready with ${runtime.threads.ids.length} data threads` });
  return { control, stopped: stopped.promise };
}

function configSource(options: StartOptions): ConfigSource {
  const { port, adminPort, workers } = options.overrides;
  const adjust = (config: ProxyConfig): ProxyConfig => ({
    ...config,
    workers: workers ?? config.workers,
    admin: config.admin === null || adminPort === undefined ? config.admin : { ...config.admin, port: adminPort },
    listeners: config.listeners.map((listener, index) =>
      index === 0 && port !== undefined ? { ...listener, port } : listener,
    ),
  });
  return { path: options.configPath, env: options.env, adjust };
}

function sayOpenFiles(events: EventHub, wanted: number): void {
  const files = openFilesLimit();
  const connections = connectionsFor(wanted, files);
  if (connections === wanted) return;
  const text = `warning: maxConnections is ${connections} instead of ${wanted}: this process may open ${files} files; raise ulimit -n`;
  events.emit({ type: "log", text });
}

function sayWarnings(events: EventHub, warnings: readonly Problem[]): void {
  for (const warning of warnings)
    events.emit({ type: "config", text: `warning: ${warning.message}`, problems: [warning] });
}

async function stopEverything(runtime: Runtime): Promise<void> {
  const { threads, config, serial, keeper, compiler, canary, jco, shadows } = runtime;
  threads.expectExit();
  await serial.idle();
  await keeper.close();
  await drainAll(runtime, config.drainTimeoutMs);
  await threads.stop();
  jco.close();
  shadows.close();
  await Promise.all([compiler.close(), canary.close()]);
}

/** All data threads drain at once; one that does not answer in time is not waited for. */
async function drainAll(runtime: Runtime, timeoutMs: number): Promise<void> {
  const waiting = new Set(runtime.threads.ids);
  const all = Promise.withResolvers<void>();
  const overdue = runtime.clock.after(timeoutMs + 1000, () => all.resolve());
  runtime.threads.onDrained = (threadId) => {
    waiting.delete(threadId);
    if (waiting.size === 0) all.resolve();
  };
  if (waiting.size === 0) all.resolve();
  runtime.threads.broadcast({ type: "drain", timeoutMs });
  await all.promise;
  overdue.cancel();
}
