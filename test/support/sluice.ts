// A whole sluice for tests: real data threads on a free port, a real upstream, files in a folder of its own.
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { createServer, Agent, request, type IncomingHttpHeaders, type Server } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { AddressInfo } from "node:net";
import { startSluice, type RunningSluice } from "../../host/control/start.ts";
import type { SpawnThread } from "../../host/control/threads.ts";
import type { SluiceEvent } from "../../host/control/types.ts";

const ROOT = resolve(import.meta.dirname, "../..");

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export interface TestProxy {
  readonly running: RunningSluice;
  readonly control: RunningSluice["control"];
  readonly folder: string;
  readonly port: number;
  readonly events: readonly SluiceEvent[];
  get(path?: string, headers?: Record<string, string>): Promise<Answer>;
  /** Resolves with the first event, past ones included, that fits. */
  event(fits: (event: SluiceEvent) => boolean): Promise<SluiceEvent>;
  stop(): Promise<void>;
}

export interface ProxySetup {
  /** Further parts of the config: `filters`, `experiments`, ... */
  readonly config: Readonly<Record<string, unknown>>;
  /** Listener chain. */
  readonly chain: readonly string[];
  readonly listener?: Readonly<Record<string, unknown>>;
  /** Written into the folder before the start. */
  readonly files?: Readonly<Record<string, string | Uint8Array>>;
  readonly workers?: number;
  readonly watch?: boolean;
  readonly optimize?: boolean;
  readonly upstream?: Parameters<typeof createServer>[1];
  readonly spawn?: SpawnThread;
}

export const newFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), "sluice-test-"));
  await mkdir(join(folder, "node_modules/@sluice"), { recursive: true });
  await symlink(join(ROOT, "sdk"), join(folder, "node_modules/@sluice/sdk"));
  return folder;
};

export async function startProxy(setup: ProxySetup): Promise<TestProxy> {
  const folder = await newFolder();
  for (const [name, content] of Object.entries(setup.files ?? {})) {
    await mkdir(join(folder, name, ".."), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  const upstream = await startUpstream(setup.upstream);
  const configText = JSON.stringify(configOf(setup, upstream), null, 1);
  const configPath = join(folder, "sluice.yaml");
  await writeFile(configPath, configText);
  const running = await startSluice({
    configText,
    configPath,
    watch: setup.watch ?? false,
    optimize: setup.optimize ?? false,
    env: {},
    overrides: {},
    ...(setup.spawn === undefined ? {} : { spawn: setup.spawn }),
  }).catch(async (error: unknown) => {
    upstream.close();
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  return proxyOf(running, folder, upstream);
}

function configOf(setup: ProxySetup, upstream: Server): object {
  const { port } = upstream.address() as AddressInfo;
  return {
    admin: false,
    workers: setup.workers ?? 2,
    drainTimeout: "3s",
    listeners: [
      {
        name: "public",
        address: "127.0.0.1:0",
        filters: setup.chain,
        routes: [{ name: "all", match: { prefix: "/" }, route: { cluster: "web" } }],
        ...setup.listener,
      },
    ],
    clusters: [{ name: "web", endpoints: [{ address: `127.0.0.1:${port}` }] }],
    ...setup.config,
  };
}

async function startUpstream(handler: ProxySetup["upstream"]): Promise<Server> {
  const server = createServer(
    handler ?? ((incoming, answer) => void incoming.resume().on("end", () => answer.end("ok"))),
  );
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return server;
}

async function proxyOf(running: RunningSluice, folder: string, upstream: Server): Promise<TestProxy> {
  const { control } = running;
  const [listener] = await control.listeners();
  const port = Number(listener?.address.split(":").at(-1));
  const agent = new Agent({ keepAlive: true, maxSockets: 64 });
  const events: SluiceEvent[] = [];
  control.events.subscribe((event) => void events.push(event));
  return {
    running,
    control,
    folder,
    port,
    events,
    get: (path = "/", headers = {}) => send({ port, path, headers, agent }),
    event: (fits) =>
      new Promise((found) => {
        const stop = control.events.subscribe((event) => {
          if (!fits(event)) return;
          queueMicrotask(() => stop());
          found(event);
        });
      }),
    async stop() {
      agent.destroy();
      await control.shutdown("test");
      await running.stopped;
      upstream.closeAllConnections();
      await new Promise((closed) => upstream.close(closed));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

interface Sent {
  readonly port: number;
  readonly path: string;
  readonly headers: Record<string, string>;
  readonly agent: Agent;
}

function send({ port, path, headers, agent }: Sent): Promise<Answer> {
  return new Promise((answered, failed) => {
    const outgoing = request({ host: "127.0.0.1", port, path, headers, agent }, (incoming) => {
      let body = "";
      incoming.setEncoding("utf8");
      incoming.on("data", (text: string) => (body += text));
      incoming.on("end", () => answered({ status: incoming.statusCode ?? 0, headers: incoming.headers, body }));
      incoming.on("error", failed);
    });
    outgoing.on("error", failed);
    outgoing.end();
  });
}

/** Requests in a closed loop over keep-alive connections until told to stop; every answer is kept apart by `key`. */
export class Load {
  readonly seen = new Map<string, number>();
  readonly failures: string[] = [];
  #running = true;
  readonly #loops: Promise<void>[];

  constructor(proxy: TestProxy, connections: number, key: (answer: Answer) => string) {
    this.#loops = Array.from({ length: connections }, async () => {
      while (this.#running) {
        try {
          const answer = await proxy.get("/", {});
          const name = key(answer);
          this.seen.set(name, (this.seen.get(name) ?? 0) + 1);
          if (answer.status !== 200) this.failures.push(`${answer.status} ${answer.body}`);
        } catch (error) {
          this.failures.push(String(error));
        }
      }
    });
  }

  get count(): number {
    return [...this.seen.values()].reduce((sum, count) => sum + count, 0);
  }

  async stop(): Promise<void> {
    this.#running = false;
    await Promise.all(this.#loops);
  }
}
