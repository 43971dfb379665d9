// `sluice run x.wasm` and `sluice serve x.wasm` as people use them, each in a process of its own: core programs, WASI 0.2
// commands and servers, filters; what they are given, what they are refused, and how they end.
import { spawn, type ChildProcess } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { countComponent, newJco, parseWat } from "../support/components.ts";
import { guest } from "../support/modules.ts";
import { command, networked, preview1, server } from "../support/programs.ts";

const PROGRAM = resolve(import.meta.dirname, "../../bin/sluice.js");
let folder: string;
let child: ChildProcess | null = null;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "sluice-runner-"));
  await mkdir(join(folder, "data/below"), { recursive: true });
  await writeFile(join(folder, "data/a.txt"), "hello");
  await writeFile(join(folder, "secret.txt"), "secret");
  await symlink("../secret.txt", join(folder, "data/link"));
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(() => {
  child?.kill("SIGKILL");
  child = null;
});

interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly error: string;
}

async function sluice(...args: string[]): Promise<Ended> {
  const started = spawn(process.execPath, [PROGRAM, ...args], { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
  child = started;
  let out = "";
  let error = "";
  started.stdout.on("data", (text) => (out += String(text)));
  started.stderr.on("data", (text) => (error += String(text)));
  const code = await new Promise<number | null>((ended) => started.once("close", ended));
  return { code, out, error };
}

async function file(name: string, bytes: Uint8Array): Promise<string> {
  await writeFile(join(folder, name), bytes);
  return name;
}

/** Starts a server and answers its port. */
function listening(...args: string[]): Promise<number> {
  const started = spawn(process.execPath, [PROGRAM, ...args, "--json"], {
    cwd: folder,
    stdio: ["ignore", "pipe", "pipe"],
  });
  child = started;
  let said = "";
  return new Promise((ready, failed) => {
    started.stdout.on("data", (text) => {
      said += String(text);
      const found = /"address":"127\.0\.0\.1:(\d+)"/.exec(said);
      if (found !== null) ready(Number(found[1]));
    });
    let complaint = "";
    started.stderr.on("data", (text) => (complaint += String(text)));
    started.once("close", (code) => failed(new Error(`ended with ${code}: ${complaint}`)));
  });
}

async function stop(): Promise<number | null> {
  const ended = new Promise<number | null>((done) => child?.once("exit", done));
  child?.kill("SIGTERM");
  return ended;
}

describe("a core program", () => {
  const HELLO = '(data (i32.const 256) "hello\\n")';

  test("writes to stdout, ends with its own code, and its fuel is told on stderr", async () => {
    const hello = await file(
      "hello.wasm",
      await preview1("(call $say (i32.const 256) (i32.const 6)) (call $exit (i32.const 7))", HELLO),
    );
    expect(await sluice("run", hello)).toEqual({ code: 7, out: "hello\n", error: "" });
    const { code, error } = await sluice("run", hello, "--fuel", "10k");
    expect(code).toBe(7);
    expect(error).toMatch(/^fuel: \d+ points used\n$/);
  });

  test("gets arguments behind -- and the environment of --env, and nothing of this process's", async () => {
    const body = `(drop (call $args_get (i32.const 300) (i32.const 400)))
      (drop (call $environ_sizes_get (i32.const 20) (i32.const 24)))
      (drop (call $environ_get (i32.const 340) (i32.const 600)))
      (call $say (i32.const 400) (i32.const 17)) (call $say (i32.const 600) (i32.load (i32.const 24)))`;
    const wasm = await file("args.wasm", await preview1(body));
    const { out, code } = await sluice("run", wasm, "--env", "A=1", "--env", "B=x=y", "--", "-v", "two");
    expect(out.split("\0")).toEqual(["args.wasm", "-v", "two", "A=1", "B=x=y", ""]);
    expect(code).toBe(0);
  });

  test("that does not end does, by --fuel: reason, remedy, exit code 4", async () => {
    const loop = await file("loop.wasm", await preview1("(loop $l (br $l))"));
    const { code, error } = await sluice("run", loop, "--fuel", "100k");
    expect(code).toBe(4);
    expect(error).toContain("loop.wasm ended with fuel: its fuel is used up");
    expect(error).toContain("help: raise --fuel");
  });

  test("cannot grow past --max-memory, in wasmtime's spelling too", async () => {
    const grow = await file(
      "grow.wasm",
      await preview1("(call $exit (i32.eq (memory.grow (i32.const 10)) (i32.const -1)))"),
    );
    expect((await sluice("run", grow)).code).toBe(0);
    expect((await sluice("run", grow, "--max-memory", "512KiB")).code).toBe(1);
    expect((await sluice("run", grow, "-W", "max-memory-size=524288")).code).toBe(1);
    const { code, error } = await sluice("run", grow, "--max-memory", "64KiB");
    expect(code).toBe(4);
    expect(error).toContain("the memory begins with 2 pages of 64 KiB, the cap is 1");
  });

  /** Exit code: the errno of opening `path` below the first folder. */
  const opening = (path: string, create: boolean) =>
    preview1(
      `(call $exit (call $path_open (i32.const 3) (i32.const 1) (i32.const 256) (i32.const ${path.length})
        (i32.const ${create ? 1 : 0}) (i64.const ${create ? 64 : 2}) (i64.const 0) (i32.const 0) (i32.const 16)))`,
      `(data (i32.const 256) "${path}")`,
    );

  test("sees no files but those of --dir, read-only unless :rw", async () => {
    const read = await file("read.wasm", await opening("a.txt", false));
    const create = await file("create.wasm", await opening("new.txt", true));
    expect((await sluice("run", read)).code).toBe(8);
    expect((await sluice("run", read, "--dir", "data::/d")).code).toBe(0);
    expect((await sluice("run", create, "--dir", "data::/d")).code).toBe(69);
    await expect(readFile(join(folder, "data/new.txt"))).rejects.toThrow("ENOENT");
    expect((await sluice("run", create, "--dir", "data::/d:rw")).code).toBe(0);
    expect(await readFile(join(folder, "data/new.txt"), "utf8")).toBe("");
    const out = await file("out.wasm", await opening("../secret.txt", false));
    expect((await sluice("run", out, "--dir", "data::/d")).code).toBe(76);
    const link = await file("link.wasm", await opening("link", false));
    expect((await sluice("run", link, "--dir", "data::/d")).code).not.toBe(0);
  });

  test("can be called at one export with numbers", async () => {
    const add = await file(
      "add.wasm",
      await parseWat(`(module (func (export "add") (param i32 i64) (result i64)
        (i64.add (i64.extend_i32_s (local.get 0)) (local.get 1))))`),
    );
    expect(await sluice("run", add, "--invoke", "add", "--", "-2", "44")).toEqual({ code: 0, out: "42\n", error: "" });
    const wrong = await sluice("run", add, "--invoke", "sub", "1", "2");
    expect([wrong.code, wrong.error]).toEqual([4, expect.stringContaining("help: it has add")]);
    expect((await sluice("run", add, "--invoke", "add", "1")).error).toContain(
      "add takes 2 arguments (i32, i64), 1 were given",
    );
    expect((await sluice("run", add, "--invoke", "add", "1.5", "2")).error).toContain('"1.5" is no i32');
    const plain = await sluice("run", add);
    expect([plain.code, plain.error]).toEqual([2, expect.stringContaining("help: call an export: --invoke add")]);
  });

  test("that imports what nobody offers is refused by name", async () => {
    const wasm = await file(
      "odd.wasm",
      await parseWat('(module (import "js" "eval" (func)) (func (export "_start")))'),
    );
    const { code, error } = await sluice("run", wasm);
    expect([code, error]).toEqual([
      4,
      expect.stringContaining("odd.wasm imports js.eval, which this runner does not offer"),
    ]);
  });
});

describe("a component of wasi:cli/command", () => {
  const HI = '(data (i32.const 1024) "hi\\n")';

  test("writes to stdout and ends with 0, with 1 for an error, and by its own exit", async () => {
    const say = "(call $say (i32.const 1024) (i32.const 3))";
    const ok = await file("ok.wasm", await command(`${say} (i32.const 0)`, HI));
    expect(await sluice("run", ok)).toEqual({ code: 0, out: "hi\n", error: "" });
    const bad = await file("bad.wasm", await command(`${say} (i32.const 1)`, HI));
    expect(await sluice("run", bad, "--fuel", "1M")).toMatchObject({ code: 1, out: "hi\n" });
    const exits = await file("exits.wasm", await command(`${say} (call $exit (i32.const 1)) (i32.const 0)`, HI));
    expect(await sluice("run", exits)).toEqual({ code: 1, out: "hi\n", error: "" });
  });

  test("gets arguments and --env, and nothing of this process's environment", async () => {
    // The first argument behind the name, and the first variable's value.
    const body = `(call $arguments (i32.const 256)) (call $environment (i32.const 264))
      (local.set 0 (i32.load (i32.const 256))) (call $say (i32.load offset=8 (local.get 0)) (i32.load offset=12 (local.get 0)))
      (local.set 1 (i32.load (i32.const 264))) (call $say (i32.load offset=8 (local.get 1)) (i32.load offset=12 (local.get 1)))
      (i32.gt_u (i32.load (i32.const 268)) (i32.const 1))`;
    const wasm = await file("given.wasm", await command(body));
    expect(await sluice("run", wasm, "--env", "A=one", "--", "first")).toEqual({ code: 0, out: "firstone", error: "" });
  });

  test("traps with a reason, and stops when its fuel does", async () => {
    const trap = await sluice("run", await file("trap.wasm", await command("unreachable")));
    expect([trap.code, trap.error]).toEqual([4, expect.stringContaining("trap.wasm ended with trap")]);
    const loop = await sluice(
      "run",
      await file("spin.wasm", await command("(loop $l (br $l)) (i32.const 0)")),
      "--fuel",
      "1M",
    );
    expect([loop.code, loop.error]).toEqual([
      4,
      expect.stringContaining("spin.wasm ended with fuel: its fuel is used up"),
    ]);
  });

  /** Prints how opening `path` below the first folder ended: `!` opened, else `A` and on for the error's number. */
  const opening = (path: string, flags: number) =>
    command(
      `(call $folders (i32.const 256))
      (if (i32.eqz (i32.load (i32.const 260))) (then (return (i32.const 1))))
      (call $open (i32.load (i32.load (i32.const 256))) (i32.const 1) (i32.const 1024) (i32.const ${path.length})
        (i32.const ${flags & 2 ? 1 : 0}) (i32.const ${flags}) (i32.const 600))
      (i32.store8 (i32.const 700) (select (i32.add (i32.load8_u (i32.const 604)) (i32.const 65)) (i32.const 33)
        (i32.load8_u (i32.const 600))))
      (call $say (i32.const 700) (i32.const 1)) (i32.const 0)`,
      `(data (i32.const 1024) "${path}")`,
    );
  const [READ, WRITE] = [1, 2];
  const [NOT_PERMITTED, READ_ONLY] = [31, 33].map((at) => String.fromCharCode(65 + at));

  test("sees no files but those of --dir, read-only unless :rw, and no way out", async () => {
    const read = await file("read2.wasm", await opening("a.txt", READ));
    expect((await sluice("run", read)).code).toBe(1);
    expect((await sluice("run", read, "--dir", "data::/d")).out).toBe("!");
    const write = await file("write2.wasm", await opening("made.txt", WRITE));
    expect((await sluice("run", write, "--dir", "data::/d")).out).toBe(READ_ONLY);
    expect((await sluice("run", write, "--dir", "data::/d:rw")).out).toBe("!");
    for (const path of ["../secret.txt", "below/../../secret.txt", "link", "/etc/passwd"]) {
      const out = await file("out2.wasm", await opening(path, READ));
      expect([path, (await sluice("run", out, "--dir", "data::/d:rw")).out]).toEqual([path, NOT_PERMITTED]);
    }
  });

  test("that asks for more than it was granted is told what, and what it may have", async () => {
    const { code, error } = await sluice("run", await file("net.wasm", await networked()));
    expect(code).toBe(4);
    expect(error).toContain(
      "net.wasm asks for wasi:sockets/instance-network@0.2.3, which it was not granted: `sluice run` gives no network",
    );
    expect(error).toContain("help: it may have folders (--dir), environment (--env), arguments");
  });
});

describe("a component of wasi:http/proxy", () => {
  test("answers requests; a trap and a spent budget are 500, and the next request meets a fresh instance", async () => {
    const wasm = await file("server.wasm", await server());
    const port = await listening("serve", wasm, "--addr", "127.0.0.1:0", "--fuel", "1M");
    const statuses: number[] = [];
    for (const path of ["/", "/trap", "/", "/loop", "/"])
      statuses.push((await fetch(`http://127.0.0.1:${port}${path}`)).status);
    expect(statuses).toEqual([203, 500, 203, 500, 203]);
    expect(await stop()).toBe(0);
  });

  test("is not run, and a program is not served: each names the other command", async () => {
    const run = await sluice("run", await file("server.wasm", await server()));
    expect([run.code, run.error]).toEqual([2, expect.stringContaining("help: sluice serve server.wasm")]);
    const serve = await sluice("serve", await file("program.wasm", await command("(i32.const 0)")));
    expect([serve.code, serve.error]).toEqual([2, expect.stringContaining("help: sluice run program.wasm")]);
  });
});

describe("a filter", () => {
  test.each(["run", "serve"])("of either format is a proxy in front of an echo: sluice %s", async (verb) => {
    const jco = newJco();
    const wasm = await file("count.wasm", await countComponent(jco));
    jco.close();
    const where = verb === "run" ? ["--port", "0"] : ["--addr", "127.0.0.1:0"];
    const port = await listening(
      verb,
      wasm,
      ...where,
      "--fuel",
      "1M",
      "--max-memory",
      "1MiB",
      "--workers",
      "1",
      "--admin-port",
      "0",
    );
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    // An endless loop ends by the budget that was given, and only its request suffers.
    expect((await fetch(`http://127.0.0.1:${port}/loop`)).status).toBe(503);
    expect((await fetch(`http://127.0.0.1:${port}/`)).status).toBe(200);
    expect(await stop()).toBe(0);
  });

  test("has no files, arguments or exports to call", async () => {
    const wasm = await file("stamp.wasm", await guest("stamp"));
    expect((await sluice("run", wasm, "--dir", ".")).error).toContain("--dir: a filter sees no files");
    expect((await sluice("run", wasm, "--", "x")).error).toContain('unexpected argument "x": a filter takes none');
    expect((await sluice("run", wasm, "--invoke", "x")).error).toContain("--invoke calls exports of core modules");
  });

  test("flags of the runner without a .wasm, and what is no WebAssembly, are refused", async () => {
    expect((await sluice("run", "--fuel", "1k")).error).toContain("--fuel goes with a .wasm");
    const text = await sluice("run", await file("text.wasm", Buffer.from("no wasm")));
    expect([text.code, text.error]).toEqual([4, expect.stringContaining("text.wasm is not WebAssembly")]);
    expect((await sluice("run", "text.wasm", "--dir", "nowhere")).code).toBe(4);
  });
});
