// The program as users start it: `sluice run` in a process of its own, driven by the other commands and by signals.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { writeFile, rm } from "node:fs/promises";
import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { runCli } from "../../host/cli/main.ts";
import { guest, withNonce } from "../support/modules.ts";
import { newFolder } from "../support/sluice.ts";
import { dial, until } from "../support/wire.ts";

const PROGRAM = resolve(import.meta.dirname, "../../bin/sluice.js");

let folder: string;
let upstream: Server;
let child: ChildProcess | null = null;

beforeEach(async () => {
  folder = await newFolder();
  upstream = createServer((incoming, answer) => void incoming.resume().on("end", () => answer.end("ok")));
  await new Promise<void>((ready) => upstream.listen(0, "127.0.0.1", ready));
});
afterEach(async () => {
  child?.kill("SIGKILL");
  child = null;
  upstream.closeAllConnections();
  upstream.close();
  await rm(folder, { recursive: true, force: true });
});

interface Started {
  readonly port: number;
  readonly admin: string;
  readonly exit: Promise<number | null>;
  readonly lines: readonly string[];
}

/** Starts the program and waits for its greeting. */
async function start(command: string, config: object): Promise<Started> {
  await writeFile(join(folder, "sluice.yaml"), JSON.stringify(config));
  const started = spawn(process.execPath, [PROGRAM, command, "-c", "sluice.yaml", "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child = started;
  const exit = new Promise<number | null>((ended) => started.once("exit", (code) => ended(code)));
  const lines: string[] = [];
  const greeting = new Promise<Started>((ready, failed) => {
    createInterface({ input: started.stdout }).on("line", (line) => {
      lines.push(line);
      const said = JSON.parse(line) as { type: string; listeners?: { address: string }[]; admin?: string };
      if (said.type !== "listening") return;
      const port = Number(said.listeners?.[0]?.address.split(":").at(-1));
      ready({ port, admin: new URL(said.admin ?? "").host, exit, lines });
    });
    let complaint = "";
    started.stderr.on("data", (text) => (complaint += String(text)));
    void exit.then((code) => failed(new Error(`ended with ${code}: ${complaint}`)));
  });
  return greeting;
}

async function config(more: object = {}): Promise<object> {
  await writeFile(join(folder, "stamp.wasm"), await guest("stamp"));
  return {
    admin: { address: "127.0.0.1:0" },
    workers: 2,
    drainTimeout: "5s",
    listeners: [
      {
        name: "public",
        address: "127.0.0.1:0",
        filters: ["stamp"],
        routes: [{ name: "all", match: { prefix: "/" }, route: { cluster: "web" } }],
      },
    ],
    clusters: [{ name: "web", endpoints: [{ address: `127.0.0.1:${(upstream.address() as AddressInfo).port}` }] }],
    filters: [{ name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } }],
    ...more,
  };
}

interface Seen {
  readonly status: number;
  readonly version: string;
  readonly closes: boolean;
}

function get(port: number, agent: Agent): Promise<Seen> {
  return new Promise((answered, failed) => {
    const outgoing = request({ host: "127.0.0.1", port, agent }, (incoming) => {
      incoming.resume().on("end", () => {
        const { "x-version": version, connection } = incoming.headers;
        answered({ status: incoming.statusCode ?? 0, version: String(version), closes: connection === "close" });
      });
    });
    outgoing.on("error", failed).end();
  });
}

/** A command, as typed; its exit code and what it printed on stdout. */
async function cli(...argv: string[]): Promise<{ code: number; out: string; err: string }> {
  const said = { out: "", err: "" };
  const sink = (name: "out" | "err") =>
    ({
      isTTY: false,
      columns: 100,
      write: (text: string) => ((said[name] += text), true),
    }) as unknown as NodeJS.WriteStream;
  const code = await runCli(argv, { stdout: sink("out"), stderr: sink("err"), env: { NO_COLOR: "1" }, cwd: folder });
  return { code, ...said };
}

describe("sluice run", () => {
  test("TERM under load: every request that was taken is answered, then the process ends with 0", async () => {
    const { port, exit } = await start("run", await config());
    const failures: string[] = [];
    let answered = 0;
    const agent = new Agent({ keepAlive: true, maxSockets: 16 });
    const loops = Array.from({ length: 16 }, async () => {
      for (;;) {
        const seen = await get(port, agent).catch((error: NodeJS.ErrnoException) => error);
        if (seen instanceof Error) {
          // Refused: the listener is closed and nothing was taken.
          if (seen.code !== "ECONNREFUSED") failures.push(String(seen));
          return;
        }
        answered++;
        if (seen.status !== 200) failures.push(String(seen.status));
        if (answered === 500) child?.kill("SIGTERM");
        if (seen.closes) return;
      }
    });
    await Promise.all(loops);
    agent.destroy();
    expect(failures).toEqual([]);
    expect(answered).toBeGreaterThanOrEqual(500);
    expect(await exit).toBe(0);
  });

  test("SIGTERM with 300 keep-alive connections: every request that was taken is answered, idle ones end in order", async () => {
    const held: (() => void)[] = [];
    upstream.removeAllListeners("request");
    upstream.on("request", (incoming, answer) => {
      incoming
        .resume()
        .on("end", () => (incoming.url === "/slow" ? held.push(() => answer.end("ok")) : answer.end("ok")));
    });
    const { port, exit } = await start("run", { ...(await config()), drainTimeout: "10s" });
    const clients = await Promise.all(Array.from({ length: 300 }, () => dial(port)));
    const [idle, late, slow, sending] = [0, 1, 2, 3].map((kind) => clients.filter((_, at) => at % 4 === kind));
    const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (const client of [...idle!, ...late!]) client.send(GET);
    for (const client of [...idle!, ...late!]) await client.waitFor("\r\n\r\nok");
    for (const client of slow!) client.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n");
    for (const client of sending!) client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
    await until(() => held.length === slow!.length, "the slow requests");
    child?.kill("SIGTERM");
    // A request on a connection that looked idle, in the moment of the signal.
    for (const client of late!) client.send(GET);
    await until(() => idle!.every(({ ended }) => ended), "the idle connections to end");
    for (const answer of held) answer();
    for (const client of sending!) client.send("world");
    for (const client of clients) {
      await client.waitForEnd();
      expect(client.reset).toBe(false);
    }
    for (const client of late!) expect(client.text.match(/\r\n\r\nok/g)).toHaveLength(2);
    for (const client of [...slow!, ...sending!]) {
      expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n(?:.*\r\n)*connection: close\r\n(?:.*\r\n)*\r\nok$/);
    }
    for (const { socket } of clients) socket.destroy();
    expect(await exit).toBe(0);
  });

  test("is driven by the other commands: filters, swap, rollback, ab, stats, each with --json", async () => {
    const { port, admin } = await start("run", await config());
    const agent = new Agent({ keepAlive: true });
    const version = async (): Promise<string> => (await get(port, agent)).version;
    const upload = await fetch(`http://${admin}/api/v1/filters/stamp/versions?swap=true`, {
      method: "POST",
      body: Buffer.from(withNonce(await guest("stamp"), 1)),
      headers: { "content-type": "application/wasm" },
    });
    expect(upload.status).toBe(201);
    const list = await cli("filters", "--admin", admin, "--json");
    expect(JSON.parse(list.out)).toMatchObject({ filters: [{ name: "stamp", version: "v2" }] });
    const swapped = await cli("swap", "stamp@v1", "--admin", admin, "--json");
    expect(JSON.parse(swapped.out)).toMatchObject({ from: "v2", to: "v1", threads: 2 });
    expect(await version()).toBe("one");
    expect((await cli("rollback", "stamp", "--admin", admin)).code).toBe(0);
    const split = await cli(
      "ab",
      "stamp",
      "--variants",
      "v1,v2",
      "--split",
      "50/50",
      "--hash",
      "header:x-user",
      "--admin",
      admin,
      "--json",
    );
    expect(JSON.parse(split.out)).toMatchObject({ filter: "stamp", state: "running" });
    const stats = await fetch(`http://${admin}/stats/prometheus`);
    expect(await stats.text()).toContain('sluice_http_requests_total{listener="public",code_class="2xx"}');
    expect((await cli("swap", "stamp@v9", "--admin", admin)).code).toBe(1);
    agent.destroy();
  });

  test("HUP loads the changed config; a broken one is refused and the old one serves on", async () => {
    const good = await config();
    const { port, lines } = await start("run", good);
    const agent = new Agent({ keepAlive: true });
    const said = (type: string): Promise<void> =>
      new Promise((seen) => {
        const look = (): void =>
          lines.some((line) => line.includes(`"type":"${type}"`)) ? seen() : void setImmediate(look);
        look();
      });
    const stamp = { name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "two" } };
    await writeFile(join(folder, "sluice.yaml"), JSON.stringify({ ...good, filters: [stamp] }));
    child?.kill("SIGHUP");
    await said("config");
    expect((await get(port, agent)).version).toBe("two");
    await writeFile(join(folder, "sluice.yaml"), "listeners: [");
    child?.kill("SIGHUP");
    await said("config-refused");
    expect((await get(port, agent)).version).toBe("two");
    agent.destroy();
  });

  test("a filter that does not load stops the start with code 4, a bad config with code 3, each naming the place", async () => {
    await writeFile(join(folder, "broken.wasm"), "not wasm");
    const broken = await config({ filters: [{ name: "stamp", source: "./broken.wasm" }] });
    await expect(start("run", broken)).rejects.toThrow(/ended with 4: .*filter stamp/s);
    const wrong = await config({ drainTimeuot: "1s" });
    await expect(start("run", wrong)).rejects.toThrow(/ended with 3: .*drainTimeuot.*did you mean \\"drainTimeout\\"/s);
  });

  test("nothing to talk to: reading commands end with 5 and one sentence", async () => {
    const { code, err } = await cli("filters", "--admin", "127.0.0.1:9");
    expect(code).toBe(5);
    expect(err.trim().split("\n")).toHaveLength(1);
  });
});

test("state survives a restart: version labels go on counting and the live version serves again", async () => {
  const settings = await config();
  const first = await start("run", settings);
  const upload = async (admin: string, nonce: number, query: string): Promise<void> => {
    const body = Buffer.from(withNonce(await guest("stamp"), nonce));
    const answer = await fetch(`http://${admin}/api/v1/filters/stamp/versions${query}`, { method: "POST", body });
    expect(answer.status).toBe(201);
  };
  await upload(first.admin, 1, "");
  child?.kill("SIGTERM");
  expect(await first.exit).toBe(0);
  const second = await start("run", settings);
  await upload(second.admin, 2, "");
  const { out } = await cli("filters", "--admin", second.admin, "--json");
  const { filters } = JSON.parse(out) as { filters: { version: string; versions: { version: string }[] }[] };
  expect(filters[0]?.version).toBe("v1");
  expect(filters[0]?.versions.map((one) => one.version)).toEqual(["v1", "v2", "v3"]);
});

test("killed in the middle of a rollout, it resumes at the last weight that had passed", async () => {
  const settings = await config({
    experiments: [
      {
        name: "ramp",
        filter: "stamp",
        mode: "canary",
        unit: { header: "x-user" },
        variants: [
          { name: "control", version: "current", weight: 90 },
          { name: "candidate", version: "current", pluginConfig: { word: "two" }, weight: 10 },
        ],
        analysis: { onInconclusive: "continue" },
        rollout: {
          steps: [{ setWeight: 10 }, { pause: "1s" }, { setWeight: 50 }, { pause: "1h" }, { setWeight: 100 }],
        },
      },
    ],
  });
  const weights = async (admin: string): Promise<readonly number[]> => {
    const answer = await fetch(`http://${admin}/api/v1/experiments/ramp`);
    const { arms } = (await answer.json()) as { arms: { weight: number }[] };
    return arms.map((arm) => arm.weight);
  };
  const first = await start("run", settings);
  const stored = (): string => {
    try {
      return readFileSync(join(folder, ".sluice/state.json"), "utf8");
    } catch {
      return "";
    }
  };
  await until(() => stored().includes('"weight": 50'), "the second weight on the disk", 20_000);
  expect(await weights(first.admin)).toEqual([50, 50]);
  child?.kill("SIGKILL");
  await first.exit;
  const second = await start("run", settings);
  expect(await weights(second.admin)).toEqual([90, 10]);
  const { out } = await cli("rollout", "get", "--admin", second.admin, "--json");
  const { experiment } = JSON.parse(out) as {
    experiment: { state: string; rollout: { step: number; log: unknown[] } };
  };
  expect(experiment).toMatchObject({ state: "running", rollout: { step: 1 } });
  expect(experiment.rollout.log.length).toBeGreaterThanOrEqual(2);
});
