// `sluice test`: which suites run against what, what is printed, and how it ends.
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, relative, resolve } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { probeModule } from "../../support/probe.ts";
import { run } from "./support.ts";

const OWN = resolve(import.meta.dirname, "../../data/suites");
let folder = "";
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "sluice-test-"));
  writeFileSync(join(folder, "probe.wasm"), await probeModule());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const here = (...argv: string[]) => run(["test", ...argv], { cwd: folder });
const write = (name: string, text: string): void => writeFileSync(join(folder, name), text);

const PASSES = 'test { name: "goes" request_headers { result { has_header { key: "x-trace" value: "probe" } } } }\n';
const FAILS = 'test { name: "stays" request_headers { result { no_header { key: "x-trace" } } } }\n';

beforeEach(() => {
  write("good.textpb", PASSES);
  write("bad.textpb", `${PASSES}${FAILS}`);
});

describe("suites", () => {
  test("a green suite ends with 0", async () => {
    expect(await here("good.textpb", "--wasm", "probe.wasm")).toEqual({
      code: 0,
      out: "ok    goes\ngood.textpb: 1 of 1 passed\n",
      err: "",
    });
  });

  test("a failed test shows both sides and ends with 1", async () => {
    expect(await here("bad.textpb", "--wasm=probe.wasm")).toEqual({
      code: 1,
      out: [
        "ok    goes",
        "FAIL  stays",
        '    request_headers: header "x-trace" is there',
        "      expected  nothing",
        '      actual    "probe"',
        "bad.textpb: 1 of 2 passed\n",
      ].join("\n"),
      err: "",
    });
  });

  test("--json is one object over all suites, the broken ones included", async () => {
    write("broken.textpb", 'test { nam: "x" }');
    const { code, out, err } = await here(
      "good.textpb",
      "broken.textpb",
      "bad.textpb",
      "--wasm",
      "probe.wasm",
      "--json",
    );
    expect([code, err]).toEqual([3, ""]);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      suites: [
        { suite: "good.textpb", ok: true, tests: [{ name: "goes", ok: true, failures: [], logs: ["log probe"] }] },
        {
          suite: "bad.textpb",
          ok: false,
          tests: [{ ok: true }, { ok: false, failures: [{ phase: "request_headers" }] }],
        },
      ],
      problems: [{ kind: "config", code: "unknown_key", file: "broken.textpb", line: 1, column: 8 }],
    });
  });

  test("a broken suite ends with 3 and shows the place, the others run", async () => {
    write("broken.textpb", 'test { nam: "x" }\n');
    const { code, out, err } = await here("broken.textpb", "good.textpb", "--wasm", "probe.wasm");
    expect([code, out]).toEqual([3, "ok    goes\ngood.textpb: 1 of 1 passed\n"]);
    expect(err).toBe(
      'error[config]: unknown field "nam" in Test\n  --> broken.textpb:1:8\n 1 | test { nam: "x" }\n   |        ^^^\n  help: did you mean "name"?\n',
    );
  });

  test("a module that does not load ends with 4", async () => {
    write("text.wasm", "no module");
    expect(await here("good.textpb", "--wasm", "text.wasm")).toMatchObject({ code: 4, out: "" });
    expect(await here("good.textpb", "--wasm", "none.wasm")).toMatchObject({ code: 4, out: "" });
  });

  test.each([
    [["good.textpb"], "good.textpb names no module"],
    [["good.txt", "--wasm", "probe.wasm"], "good.txt is no suite"],
    [["good.textpb", "--wasm", "probe.wasm", "--", "x"], "arguments after -- are for vitest"],
    [["good.textpb", "--wasm", "probe.wasm", "--bench-time", "0"], "--bench-time: expected a whole number from 1 to"],
  ])("%j is a usage error", async (argv, message) => {
    const { code, err } = await here(...argv);
    expect(code).toBe(2);
    expect(err).toContain(`error[usage]: ${message}`);
  });

  test("the suite names its module and configuration; the command line outranks it", async () => {
    write("name.json", '{"name": "file"}');
    const expects = (name: string): string =>
      `test { request_headers { result { has_header { key: "x-trace" value: "${name}" } } } }`;
    write("env.textpb", `env { wasm_path: "probe.wasm" config_path: "name.json" } ${expects("file")}`);
    expect((await here("env.textpb")).code).toBe(0);
    write("flags.textpb", `env { wasm_path: "none.wasm" config_path: "none.json" } ${expects("flag")}`);
    expect((await here("flags.textpb", "--wasm", "probe.wasm", "--config", '{"name": "flag"}')).code).toBe(0);
    write("none.textpb", `env { config_path: "none.json" } ${expects("flag")}`);
    expect(await here("none.textpb", "--wasm", "probe.wasm")).toMatchObject({ code: 3 });
  });

  test("a .ts entry is compiled, and YAML read", async () => {
    const entry = relative(process.cwd(), resolve(import.meta.dirname, "../../support/guests/probe/index.ts"));
    const ran = await run(["test", join(OWN, "probe.yaml"), "--wasm", entry], { cwd: process.cwd() });
    expect(ran).toMatchObject({ code: 0, err: "" });
    expect(ran.out).toContain("probe.yaml: 3 of 3 passed");
  });

  test("the log goes where the suite says, and never into --json's object", async () => {
    const text = (path: string): string => `env { log_path: "${path}" } test { name: "a" request_headers { } }`;
    write("file.textpb", text("out.log"));
    write("stdout.textpb", text("/dev/stdout"));
    await here("file.textpb", "--wasm", "probe.wasm");
    expect(readFileSync(join(folder, "out.log"), "utf8")).toBe("--- a ---\nlog probe\n");
    expect((await here("stdout.textpb", "--wasm", "probe.wasm")).out).toContain("--- a ---\nlog probe\n");
    const { out, err } = await here("stdout.textpb", "--wasm", "probe.wasm", "--json");
    expect(JSON.parse(out)).toMatchObject({ ok: true });
    expect(err).toContain("log probe");
  });

  test("benchmarks are drawn, and left out with --no-bench", async () => {
    write("bench.textpb", 'test { name: "b" benchmark: true request_headers { } }');
    const argv = ["bench.textpb", "--wasm", "probe.wasm", "--bench-time", "1"];
    const { code, out } = await here(...argv);
    expect(code).toBe(0);
    expect(out).toMatch(/\d+ rounds, \d+ KiB of memory\n/);
    expect(out).toMatch(/request_headers +\d+ ns +p99 \d+ ns +\d+ fuel\n/);
    expect((await here(...argv, "--no-bench")).out).toBe("ok    b\nbench.textpb: 1 of 1 passed\n");
  });
});

describe("vitest", () => {
  test("runs when no suite is named, with what follows --, and its exit code is ours", async () => {
    const project = mkdtempSync(join(tmpdir(), "sluice-vitest-"));
    const home = join(project, "node_modules/vitest");
    mkdirSync(home, { recursive: true });
    writeFileSync(join(home, "package.json"), '{"name": "vitest", "bin": {"vitest": "./v.mjs"}}');
    const program =
      'import { writeFileSync } from "node:fs"; writeFileSync("argv.json", JSON.stringify(process.argv.slice(2))); process.exit(1);';
    writeFileSync(join(home, "v.mjs"), program);
    const argv = (): unknown => JSON.parse(readFileSync(join(project, "argv.json"), "utf8"));
    expect((await run(["test", "--", "a.test.ts", "-t", "x"], { cwd: project })).code).toBe(1);
    expect(argv()).toEqual(["run", "a.test.ts", "-t", "x"]);
    await run(["test", "--json"], { cwd: project });
    expect(argv()).toEqual(["run", "--reporter=json"]);
    rmSync(project, { recursive: true });
  });

  test("says so when it is not installed", async () => {
    const { code, err } = await here();
    expect(code).toBe(1);
    expect(err).toContain("vitest is not installed here");
  });
});
