// The first hour of an author, as a script: packs the packages, scaffolds outside the repository, writes a test that fails, mends
// the filter, serves it, edits it live, shares traffic between two versions, wraps it as a component and runs that. What it typed and saw is what README shows: the
// test compares them, with times and ports set aside.
import { type ChildProcess, spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Outside } from "../support/packed.ts";

const README = readFileSync(resolve(import.meta.dirname, "../../README.md"), "utf8");
let outside: Outside;
let dev: ChildProcess | null = null;
const transcript: string[] = [];
beforeAll(() => {
  outside = new Outside();
  outside.install();
}, 120_000);
afterAll(() => {
  dev?.kill("SIGKILL");
  outside.remove();
});

/** Runs a command as an author types it. */
function type(line: string, hidden: readonly string[] = []): { readonly status: number | null; readonly said: string } {
  transcript.push(`$ ${line}`);
  const [command = "", ...args] = line.split(" ");
  const { status, stdout, stderr } = outside.run(command, ...args, ...hidden);
  const said = stdout + stderr;
  transcript.push(...said.split("\n"));
  return { status, said };
}
const edit = (path: string, change: (text: string) => string): void => {
  const file = join(outside.folder, path);
  writeFileSync(file, change(readFileSync(file, "utf8")));
};

/** `sluice dev`, and what it has said. */
class Dev {
  said = "";
  readonly ended: Promise<number | null>;
  #waiting: (() => void)[] = [];

  constructor() {
    transcript.push("$ npx sluice dev");
    const program = join(outside.folder, "node_modules/sluice/bin/sluice.js");
    const argv = [program, "dev", "--port", "0", "--admin-port", "0"];
    const child = spawn(process.execPath, argv, {
      cwd: outside.folder,
      env: outside.env,
      stdio: ["ignore", "pipe", "pipe"],
    });
    dev = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on("data", (text) => {
        this.said += String(text);
        for (const wake of this.#waiting.splice(0)) wake();
      });
    this.ended = new Promise((done) => child.once("exit", (code) => done(code)));
  }

  async until(what: RegExp): Promise<RegExpExecArray> {
    for (;;) {
      const found = what.exec(this.said);
      if (found !== null) return found;
      await new Promise<void>((wake) => this.#waiting.push(wake));
    }
  }

  async stop(): Promise<number | null> {
    dev?.kill("SIGTERM");
    transcript.push(...this.said.split("\n"));
    return this.ended;
  }
}

const by = async (url: string, user = "ada"): Promise<string | null> => {
  const answer = await fetch(url, { headers: { "x-user-id": user } });
  await answer.text();
  return answer.headers.get("x-filtered-by");
};

/** What differs from run to run. */
const plain = (line: string): string =>
  line
    .replaceAll(/\d+(?:\.\d+)? ?ms/g, "N ms")
    .replaceAll(/\d\d:\d\d:\d\d/g, "TIME")
    .replaceAll(/127\.0\.0\.1:\d+/g, "ADDRESS")
    .replaceAll(/\s+/g, " ")
    .trim();

test("from nothing to two versions on live traffic", async () => {
  expect(type("npx sluice new hello")).toMatchObject({ status: 0 });
  outside.installMore();

  edit("filters/hello/hello.test.ts", (text) =>
    text.replace('toHaveHeader("x-filtered-by", "hello")', 'toHaveHeader("x-filtered-by", "hello, world")'),
  );
  const red = type("npm test");
  expect(red.status).not.toBe(0);
  expect(red.said).toContain('the message to have the header x-filtered-by: hello, world; it is "hello"');

  edit("filters/hello/assembly/hello.ts", (text) =>
    text.replace('"x-filtered-by", "hello"', '"x-filtered-by", "hello, world"'),
  );
  const green = type("npm test");
  expect(green).toMatchObject({ status: 0, said: expect.stringMatching(/3 passed/) });

  const served = new Dev();
  const [, proxy = ""] = await served.until(/proxy +(\S+)/);
  const [, admin = ""] = await served.until(/admin +http:\/\/([\d.:]+)/);
  await served.until(/v1 · optimised/);
  expect(await by(proxy)).toBe("hello, world");

  edit("filters/hello/assembly/hello.ts", (text) => text.replace('"hello, world"', '"hello, moon"'));
  await served.until(/v1 → v2/);
  expect(await by(proxy)).toBe("hello, moon");
  await served.until(/v2 · optimised/);

  const ab = type("npx sluice ab hello --variants v1,v2 --split 50/50", ["--admin", admin]);
  expect(ab).toMatchObject({ status: 0 });
  const users = Array.from({ length: 60 }, (_, at) => `user-${at}`);
  const seen = await Promise.all(users.map((user) => by(proxy, user)));
  expect(new Set(seen)).toEqual(new Set(["hello, world", "hello, moon"]));
  expect(await Promise.all(users.map((user) => by(proxy, user)))).toEqual(seen);
  expect(type("npx sluice ab hello --abort", ["--admin", admin])).toMatchObject({ status: 0 });
  expect(new Set(await Promise.all(users.map((user) => by(proxy, user))))).toEqual(new Set(["hello, moon"]));
  expect(await served.stop()).toBe(0);

  expect(type("npx sluice build hello")).toMatchObject({ status: 0 });
  const bare = type("npx sluice componentize build/hello.wasm");
  if (bare.status !== 0) {
    // Components are for those who want them: what is missing is named, with its version.
    expect(bare.said).toContain("npm install @bytecodealliance/jco-transpile@");
    outside.install("@bytecodealliance/jco-transpile");
    expect(type("npx sluice componentize build/hello.wasm")).toMatchObject({ status: 0 });
  }
  const called = type("npx sluice call hello.component.wasm -X GET /orders");
  expect(called).toMatchObject({ status: 0, said: expect.stringContaining("x-filtered-by: hello, moon") });

  const [, shown = ""] = /<!-- first hour -->\n+```\n([^]*?)```/.exec(README) ?? [];
  const kept = process.env["TRANSCRIPT"];
  if (kept !== undefined) writeFileSync(kept, transcript.join("\n"));
  const lines = transcript.map(plain);
  let from = 0;
  for (const line of shown
    .split("\n")
    .map(plain)
    .filter((one) => one !== "" && one !== "..." && !one.startsWith("#"))) {
    const at = lines.findIndex((one, index) => index >= from && one.includes(line));
    expect({ line, found: at >= 0 }).toEqual({ line, found: true });
    // Events and commands interleave: only commands must come in the order shown.
    if (line.startsWith("$ ")) from = at;
  }
  expect(shown).not.toBe("");
}, 300_000);
