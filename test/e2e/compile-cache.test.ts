// Data threads start from the cache of compiled code: stripping and compiling hundreds of modules is most of what a thread costs
// to start, and Node gives its threads a cache only when the environment names one (bin/start.js).
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect, test } from "vitest";

const PROGRAM = resolve(import.meta.dirname, "../../bin/sluice.js");
const CONFIG = {
  workers: 1,
  admin: { address: "127.0.0.1:0" },
  listeners: [
    {
      name: "a",
      address: "127.0.0.1:0",
      routes: [{ name: "all", match: { prefix: "/" }, directResponse: { status: 200, body: "ok" } }],
    },
  ],
};

/** What Node says of its cache during one start. */
async function start(folder: string): Promise<string> {
  const { NODE_COMPILE_CACHE: _, ...inherited } = process.env;
  const env = { ...inherited, TMPDIR: folder, NODE_DEBUG_NATIVE: "COMPILE_CACHE" };
  const child = spawn(process.execPath, [PROGRAM, "run", "-c", join(folder, "sluice.yaml")], { env });
  let said = "";
  const ready = new Promise<void>((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => {
        said += String(text);
        if (said.includes("ready in")) resolve();
      });
    child.once("exit", (code) => reject(new Error(`ended with ${code}: ${said.slice(-2000)}`)));
  });
  await ready;
  const ended = once(child, "close");
  child.kill("SIGTERM");
  await ended;
  return said;
}

test("the second start reads the code of data threads from the cache", async () => {
  const folder = mkdtempSync(join(tmpdir(), "sluice-cache-"));
  try {
    writeFileSync(join(folder, "sluice.yaml"), JSON.stringify({ ...CONFIG, stateDir: join(folder, "state") }));
    await start(folder);
    expect(await start(folder)).toMatch(/V8 code cache for ESM \S+data-plane\/thread\.ts was accepted/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}, 60_000);
