// The bootstrap under a Node that is too old. Needs such a Node on the machine; without one these tests are skipped.
import { spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { chmodSync, cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");
const PLATFORM = `node-${process.platform}-${process.arch}`;

function findOldNode(): string | undefined {
  return ["/usr/bin/node", "/usr/local/bin/node"].filter(existsSync).find((path) => {
    const major = Number(/^v(\d+)/.exec(spawnSync(path, ["--version"], { encoding: "utf8" }).stdout)?.[1] ?? 99);
    return major < 24;
  });
}

const old = findOldNode();
let folder = "";

/** A copy of bin/ beside a platform package whose "Node" is a shell script. */
function withFakeNode(script: string): string {
  const home = mkdtempSync(join(folder, "fake-"));
  cpSync(join(ROOT, "bin"), join(home, "bin"), { recursive: true });
  const node = join(home, "node_modules", PLATFORM);
  mkdirSync(join(node, "bin"), { recursive: true });
  writeFileSync(join(node, "package.json"), JSON.stringify({ bin: { node: "bin/node" } }));
  writeFileSync(join(node, "bin/node"), `#!/bin/sh\n${script}\n`);
  chmodSync(join(node, "bin/node"), 0o755);
  return join(home, "bin/sluice.js");
}

describe.skipIf(old === undefined || process.platform !== "linux")("the bootstrap on a Node that is too old", () => {
  const node = old ?? "";
  beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "sluice-bootstrap-"))));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  test("runs the program on the Node that was installed with it", () => {
    const done = spawnSync(node, [join(ROOT, "bin/sluice.js"), "--version"], { encoding: "utf8" });
    expect(done.stderr).toBe("");
    expect(done.stdout).toMatch(/^sluice 0\.1\.0 \(node v(2[4-9]|[3-9]\d)\./);
    expect(done.status).toBe(0);
  });

  test("hands over the arguments and gives back the exit code", () => {
    const done = spawnSync(node, [withFakeNode('shift; echo "$@"; exit 7'), "run", "--x", "a b"], { encoding: "utf8" });
    expect(done.stdout).toBe("run --x a b\n");
    expect(done.status).toBe(7);
  });

  test.each(["SIGTERM", "SIGINT", "SIGHUP"] as const)(
    "forwards %s and lives as long as the program",
    async (signal) => {
      const name = signal.slice(3);
      // A shell cannot trap a signal that was ignored when it began, as SIGINT is in a background job; Node can.
      const program = `process.on("${signal}", () => { console.log("got ${name}"); process.exit(3); });
        console.log("up"); setInterval(() => {}, 1000);`;
      const script = withFakeNode(`exec '${process.execPath}' -e '${program}'`);
      const child = spawn(node, [script], { stdio: ["ignore", "pipe", "inherit"] });
      let out = "";
      child.stdout.setEncoding("utf8").on("data", (text: string) => {
        if (out === "") child.kill(signal);
        out += text;
      });
      const [code] = await once(child, "close");
      expect(out).toBe(`up\ngot ${name}\n`);
      expect(code).toBe(3);
    },
  );

  test("reports a program ended by a signal as 128 + its number", () => {
    expect(spawnSync(node, [withFakeNode("kill -9 $$")]).status).toBe(137);
  });

  test("explains itself and exits 69 when no Node was installed with it", () => {
    const home = mkdtempSync(join(folder, "bare-"));
    cpSync(join(ROOT, "bin"), join(home, "bin"), { recursive: true });
    const done = spawnSync(node, [join(home, "bin/sluice.js"), "demo"], { encoding: "utf8" });
    expect(done.status).toBe(69);
    expect(done.stderr).toMatch(/^sluice needs Node 24\.12 or newer; this is Node \d+\.\d+\.\d+/);
    expect(done.stderr).toContain("`npm install` without --omit=optional");
    expect(done.stderr.trimEnd().split("\n").length).toBe(2);
  });

  test("says so when the installed Node does not start", () => {
    const script = withFakeNode("true");
    chmodSync(join(script, "../../node_modules", PLATFORM, "bin/node"), 0o644);
    const done = spawnSync(node, [script], { encoding: "utf8" });
    expect(done.stderr).toContain("does not start");
    expect(done.status).toBe(69);
  });
});

test("the bootstrap does not run itself again on a Node that is new enough", () => {
  const done = spawnSync(process.execPath, [join(ROOT, "bin/sluice.js"), "--version"], { encoding: "utf8" });
  expect(done.stdout).toContain(`node v${process.versions.node}`);
  expect(done.status).toBe(0);
});
