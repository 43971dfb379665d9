// The README is true: its commands run as written, its filter compiles, its configuration is valid.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { afterEach, describe, expect, test } from "vitest";
import { runCli } from "../../host/cli/main.ts";
import { parseConfig } from "../../host/config/load.ts";
import { compile, harness } from "../../sdk/testing/index.ts";
import { newAuthority } from "../support/certificates.ts";
import { newFolder } from "../support/sluice.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const README = readFileSync(join(ROOT, "README.md"), "utf8");
const blocks = (language: string): string[] =>
  [...README.matchAll(/^```(\w*)\n(.*?)^```$/gms)]
    .filter((found) => found[1] === language)
    .map((found) => found[2] ?? "");

let child: ChildProcess | null = null;
let folder = "";
afterEach(async () => {
  child?.kill("SIGKILL");
  child = null;
  if (folder !== "") await rm(folder, { recursive: true, force: true });
});

describe("README", () => {
  test("the filter compiles, is at most 15 lines, and does what it says", async () => {
    const [source] = blocks("ts");
    expect(source!.trim().split("\n").length).toBeLessThanOrEqual(15);
    folder = await newFolder();
    await mkdir(join(folder, "tag/assembly"), { recursive: true });
    const entry = join(folder, "tag/assembly/index.ts");
    await writeFile(entry, source!);
    const h = await harness(await compile(entry), { config: { value: "v2" } });
    const x = h.request();
    expect(x.upstreamRequest?.header("x-tag")).toBe("v2");
    x.respond().end();
    h.close();
  });

  test("the suite runs against the filter and prints what is written", async () => {
    folder = await newFolder();
    await mkdir(join(folder, "filters/tag/assembly"), { recursive: true });
    await writeFile(join(folder, "filters/tag/assembly/index.ts"), blocks("ts")[0]!);
    await writeFile(join(folder, "tag.textpb"), blocks("textpb")[0]!);
    const [command, printed] = blocks("").filter((block) => /^sluice test|^ok /.test(block));
    const argv = [...command!.matchAll(/'([^']*)'|(\S+)/g)].map((found) => found[1] ?? found[2]!);
    expect(argv.shift()).toBe("sluice");
    let out = "";
    const stdout = { write: (text: string) => (out += text) };
    const code = await runCli(argv, { stdout, stderr: process.stderr, env: {}, cwd: folder });
    expect([code, out]).toEqual([0, printed]);
  });

  test("the configuration is valid", async () => {
    const text = blocks("yaml").find((block) => block.includes("listeners:"));
    folder = await newFolder();
    await mkdir(join(folder, "certs"));
    const { cert, key } = newAuthority().issue({ name: "shop" });
    for (const name of ["shop.pem", "clients.pem", "backend-ca.pem"])
      await writeFile(join(folder, "certs", name), cert);
    await writeFile(join(folder, "certs/shop.key"), key);
    const { config, warnings } = await parseConfig(text!, { path: join(folder, "sluice.yaml"), env: {} });
    expect(warnings).toEqual([]);
    expect(config.filters[0]?.name).toBe("limit");
  });

  test("the experiment is valid in the same configuration", async () => {
    const [experiments, main] = blocks("yaml");
    const filters = /^filters:\n.*/ms.exec(main!)![0];
    const text = `listeners: [{ name: a, address: "127.0.0.1:0", filters: [limit], routes: [{ name: all, match: { prefix: / }, directResponse: { status: 200 } }] }]\n${filters}\n${experiments}`;
    const { config } = await parseConfig(text, { path: join(ROOT, "sluice.yaml"), env: {} });
    expect(config.experiments[0]).toMatchObject({ name: "limits", mode: "canary" });
  });

  test("a filter that is broken on purpose is taken back, one that is improved is promoted", async () => {
    const [, command] = blocks("sh")[0]!.trim().split(" && ");
    // More traffic than the demo's own, so that the answer comes sooner; the reader waits a little longer.
    const more = ["demo", "--port", "0", "--admin-port", "0", "--rate", "400"];
    expect(command).toBe("npm start");
    child = spawn(process.execPath, [join(ROOT, "bin/sluice.js"), ...more], {
      cwd: ROOT,
      stdio: ["ignore", "pipe", "pipe"],
    });
    const admin = /admin +http:\/\/(\S+?)\/?\n/.exec(await untilBanner(child))![1]!;
    const cli = async (line: string, expected = 0): Promise<string> => {
      const argv = [...line.replaceAll("\\\n", " ").matchAll(/'([^']*)'|(\S+)/g)].map((found) => found[1] ?? found[2]!);
      let out = "";
      const stdout = { write: (text: string) => (out += text) };
      const args = argv.slice(1).filter((word) => word !== "-w");
      const code = await runCli([...args, "--admin", admin], { stdout, stderr: process.stderr, env: {}, cwd: ROOT });
      expect([line, code]).toEqual([line, expected]);
      return out;
    };
    // The demo remembers what an earlier run of this test left behind when it was interrupted.
    await fetch(`http://${admin}/api/v1/experiments/fault-ab:abort`, { method: "POST" });
    const [breaks, betters] = blocks("").filter((block) => block.includes("--candidate-config"));
    const until = async (block: string, word: string): Promise<string> => {
      const [start, get] = block.trim().split(/\n(?=sluice)/);
      // And what earlier runs have shown to be bad.
      await cli(`${start} --force`);
      for (let looks = 0; looks < 300; looks++) {
        const out = await cli(get!);
        if (out.includes(word)) return out;
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      throw new Error(await cli(get!));
    };
    const back = await until(breaks!, "  rolledBack  by ");
    expect(back).toMatch(/failures +WORSE +\d+ of \d+ in candidate, its share would be/);
    expect(back).toMatch(/rolled back: candidate has \d+ of \d+ failures/);
    const [look, record, replay] = blocks("")
      .find((block) => block.startsWith("sluice shadow fault"))!
      .trim()
      .split("\n");
    expect(await cli(look!)).toMatch(/^fault {2}v\d+ in the shadow of v\d+/);
    folder = await newFolder();
    const recording = join(folder, "fault.jsonl");
    await cli(record!.replace("fault.jsonl", recording));
    const module = join(folder, "fault.wasm");
    await writeFile(module, await compile(join(ROOT, "filters/fault/assembly/index.ts"), "release"));
    // Two versions that decide differently: exit code 1.
    const replayed = await cli(replay!.replace("fault.jsonl", recording).replaceAll("build/fault.wasm", module), 1);
    expect(replayed).toMatch(/^a:fault.wasm against b:fault.wasm: \d+ streams, [1-9]\d* differ/);
    const better = await until(betters!, "  promoted  by ");
    expect(better).toMatch(
      /latency_ms {2}primary {2}pass {2}control [\d.]+, candidate [\d.]+ {2}\[-[\d.]+, -[\d.e-]+\]/,
    );
    expect(better).toMatch(/candidate \(v\d+\) promoted/);
    const page = await fetch(`http://${admin}/api/v1/experiments/fault-ab/report`, {
      headers: { accept: "text/html" },
    });
    expect(await page.text()).toMatch(/<svg [^>]*aria-label="latency_ms: candidate minus control/);
    await fetch(`http://${admin}/quitquitquit`, { method: "POST" });
  });

  test("`npm start` brings up proxy, filters, traffic and admin API, and ends in order", async () => {
    const [start] = blocks("sh");
    expect(start).toBe("npm ci && npm start\n");
    // The clone the tests run in has had its `npm ci`; the rest runs as written, on other ports only if these are taken.
    const [, command] = start!.trim().split(" && ");
    child = spawn("sh", ["-c", `exec ${command}`], { cwd: ROOT, stdio: ["ignore", "pipe", "pipe"] });
    const ended = new Promise<number | null>((resolved) => child?.once("exit", (code) => resolved(code)));
    const text = await untilBanner(child);
    for (const line of ["proxy", "admin", "4 loaded (header-mutation, rate-limit, fault, gray)", "requests/s"])
      expect(text).toContain(line);
    const answer = await fetch("http://127.0.0.1:8080/", { headers: { "x-user-id": "reader" } });
    expect([200, 503]).toContain(answer.status);
    await answer.text();
    expect(await upstreamOf("user-1")).toBe("orders-next");
    expect(await upstreamOf("user-9")).toBe("orders");
    const { filters } = (await (await fetch("http://127.0.0.1:9901/api/v1/filters")).json()) as {
      filters: { version: string; problems: unknown[] }[];
    };
    expect(filters.map((filter) => filter.problems)).toEqual([[], [], [], []]);
    expect(filters.every((filter) => filter.version !== "")).toBe(true);
    const quit = await fetch("http://127.0.0.1:9901/quitquitquit", { method: "POST" });
    expect(quit.ok).toBe(true);
    expect(await ended).toBe(0);
  });
});

/** Which upstream the demo's gray filter leads a user to; faults are on purpose, so ask until answered. */
async function upstreamOf(user: string): Promise<string> {
  for (let tries = 0; tries < 20; tries++) {
    const answer = await fetch("http://127.0.0.1:8080/orders/1", { headers: { "x-user-id": user } });
    await answer.text();
    const upstream = answer.headers.get("x-upstream");
    if (upstream !== null) return upstream;
  }
  return "none";
}

function untilBanner(started: ChildProcess): Promise<string> {
  return new Promise((seen, failed) => {
    let text = "";
    const hear = (chunk: unknown): void => {
      text += String(chunk);
      if (text.includes("traffic")) seen(text);
    };
    started.stdout?.on("data", hear);
    started.stderr?.on("data", hear);
    started.once("exit", () => failed(new Error(text)));
  });
}
