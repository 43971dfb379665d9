import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { headerDiff, parseHeader } from "../../../host/cli/commands/call.ts";
import { runnerConfig } from "../../../host/cli/commands/run.ts";
import { toProblem } from "../../../host/cli/compile.ts";
import { nameOfEntry } from "../../../host/cli/filter-sources.ts";
import { projectConfig } from "../../../host/cli/project.ts";
import { copyTemplate, toClassName } from "../../../host/cli/scaffold.ts";
import { parseConfig } from "../../../host/config/load.ts";
import { guest } from "../../support/modules.ts";
import { run } from "./support.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "sluice-author-"))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));
const here = (...argv: string[]) => run(argv, { cwd: folder });
const write = (name: string, text: string): void => {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), text);
};

describe("validate", () => {
  const good =
    "listeners: [{ name: a, address: 127.0.0.1:0, routes: [{ name: r, match: { prefix: / }, directResponse: { status: 200 } }] }]\n";

  test("says what is in a good config", async () => {
    write("sluice.yaml", good);
    expect(await here("validate")).toEqual({
      code: 0,
      out: "ok: 1 listener, 1 route, 0 clusters, 0 filters, 0 experiments\n",
      err: "",
    });
  });

  test("shows every problem and exits 3", async () => {
    write("sluice.yaml", "listeners:\n  - name: a\n    address: 127.0.0.1:99999\n    rutes: []\n");
    const { code, out, err } = await here("validate");
    expect([code, out]).toEqual([3, ""]);
    expect(err).toBe(`error[config]: listeners[0].address: port must be <= 65535
  --> sluice.yaml:3:14
 3 |     address: 127.0.0.1:99999
   |              ^^^^^^^^^^^^^^^

error[config]: listeners[0]: unknown key "rutes"
  --> sluice.yaml:4:5
 4 |     rutes: []
   |     ^^^^^
  help: did you mean "routes"?
`);
  });

  test("prints the same as JSON", async () => {
    write("sluice.yaml", "listeners: []\n");
    const { code, out } = await here("validate", "--json");
    expect(code).toBe(3);
    expect(JSON.parse(out)).toMatchObject({
      ok: false,
      problems: [{ kind: "config", pointer: "/listeners", line: 1, column: 12, file: "sluice.yaml" }],
      warnings: [],
    });
  });

  test("warns, and under --strict refuses", async () => {
    write("odd.yaml", `${good}clusters: [{ name: spare, endpoints: [{ address: h:1 }] }]\n`);
    const lax = await here("validate", "-c", "odd.yaml");
    expect(lax.code).toBe(0);
    expect(lax.err).toContain('warning[config]: clusters[0].name: no route uses cluster "spare"');
    expect((await here("validate", "-c", "odd.yaml", "--strict")).code).toBe(3);
    expect((await here("validate", "-c", "odd.yaml", "-q")).err).toBe("");
  });

  test("without a config says how to get one", async () => {
    const { code, err } = await here("validate");
    expect(code).toBe(3);
    expect(err).toContain("there is no sluice.yaml here");
    expect(err).toContain("sluice init");
  });
});

describe("new and init", () => {
  const template = (): string => {
    write("templates/header/assembly/index.ts", "export * from './__name__';\n");
    write("templates/header/assembly/__name__.ts", "export class __Name__ {}\n");
    return join(folder, "templates");
  };

  test("fill a template's names", async () => {
    const target = join(folder, "filters/my-filter");
    const files = await copyTemplate({ name: "my-filter", template: "header", folder: target, templates: template() });
    expect(files).toEqual(["assembly/my-filter.ts", "assembly/index.ts"].sort());
    expect(readFileSync(join(target, "assembly/my-filter.ts"), "utf8")).toBe("export class MyFilter {}\n");
    expect(readFileSync(join(target, "assembly/index.ts"), "utf8")).toContain("./my-filter");
  });

  test("write over nothing", async () => {
    const scaffold = { name: "a", template: "header", folder, templates: template() };
    await expect(copyTemplate(scaffold)).rejects.toThrow("exists already");
    write("sluice.yaml", "");
    expect((await here("init")).err).toContain("sluice.yaml exists already");
  });

  test("know which templates there are", async () => {
    const scaffold = { name: "a", folder: join(folder, "x"), templates: template() };
    await expect(copyTemplate({ ...scaffold, template: "hedder" })).rejects.toThrow('there is no template "hedder"');
    await expect(copyTemplate({ ...scaffold, template: "tcp" })).rejects.toThrow("not supported yet");
  });

  test.each(["My", "1a", "a/b", "a:b", ""])("refuse the name %j", async (name) => {
    expect((await here("new", name)).code).toBe(2);
  });

  test("make a config that loads", async () => {
    const options = { path: join(folder, "sluice.yaml"), env: {} };
    const { config, warnings } = await parseConfig(projectConfig("my-filter"), options);
    expect(warnings).toEqual([]);
    expect(config.filters[0]!.source).toBe(join(folder, "filters/my-filter/assembly/index.ts"));
  });

  test("name classes", () => expect(toClassName("rate-limit-2")).toBe("RateLimit2"));
});

describe("filters on the command line", () => {
  test.each([
    ["/p/filters/gray/assembly/index.ts", "gray"],
    ["/p/gray/index.ts", "gray"],
    ["/p/gray.ts", "gray"],
    ["gray.wasm", "gray"],
  ])("%s is %s", (entry, name) => expect(nameOfEntry(entry)).toBe(name));

  test("that are not there are named, with those that are", async () => {
    write("filters/gray/assembly/index.ts", "");
    const { code, err } = await here("build", "grey");
    expect(code).toBe(2);
    expect(err).toContain('there is no filter "grey"');
    expect(err).toContain("known here: gray");
  });

  test("are asked for when there are none", async () => {
    expect((await here("build")).err).toContain("sluice new");
  });

  test("a compiler's message becomes a problem with a relative path", () => {
    const diagnostic = {
      message: "m",
      code: 2322,
      category: "error",
      file: "/p/a.ts",
      line: 2,
      column: 3,
      endColumn: 4,
      frame: "f",
    } as const;
    expect(toProblem(diagnostic, "/p")).toEqual({
      kind: "compile",
      code: "TS2322",
      message: "m",
      file: "a.ts",
      line: 2,
      column: 3,
      endColumn: 4,
      frame: "f",
    });
    expect(toProblem({ ...diagnostic, code: 100, line: 0, frame: "" }, "/p")).toEqual({
      kind: "compile",
      code: "AS100",
      message: "m",
      file: "a.ts",
    });
  });
});

describe("call", () => {
  test("reads headers as curl does", () => {
    expect(parseHeader("X-User-Id: a: b")).toEqual(["x-user-id", "a: b"]);
    expect(parseHeader(":authority: x")).toEqual([":authority", "x"]);
    expect(() => parseHeader("nothing")).toThrow("-H");
  });

  test("shows what changed", () => {
    expect(
      headerDiff(
        [
          ["a", "1"],
          ["b", "2"],
        ],
        [
          ["b", "2"],
          ["a", "3"],
        ],
      ),
    ).toEqual(["- a: 1", "+ a: 3"]);
  });

  test("traces host calls with their reasons, and behaves like another host", async () => {
    writeFileSync(join(folder, "asker.wasm"), await guest("asker"));
    const ask = (...more: string[]) =>
      here("call", "asker.wasm", "-H", "x-do: add X@Y v; call sluice.kv_keys", "--trace", ...more);
    const { code, out } = await ask();
    expect(code).toBe(0);
    expect(out).toContain('"v") = BAD_ARGUMENT: "x@y" is not a header name (RFC 9110 5.1)');
    expect(out).toContain('call_foreign_function("sluice.kv_keys", 0 bytes) = OK');
    expect((await ask("--profile", "envoy")).out).toContain('= NOT_FOUND: Envoy has no "sluice.kv_keys" here');
    expect((await ask("--profile", "minimal")).out).toContain('= NOT_FOUND: a minimal host has no "sluice.kv_keys"');
    expect((await ask("--profile", "nginx")).code).toBe(2);
  });

  test("of a module that is not there exits 4", async () => {
    const { code, err } = await here("call", "no.wasm");
    expect(code).toBe(4);
    expect(err).toContain("no.wasm cannot be read (ENOENT)");
  });
});

describe("run", () => {
  test("puts one module in front of its upstream", async () => {
    const { config, warnings } = await parseConfig(runnerConfig("/x/my filter.wasm", "127.0.0.1:9"), {
      path: "/x/y",
      env: {},
    });
    expect(warnings).toEqual([]);
    expect(config.filters[0]).toMatchObject({ name: "my-filter", source: "/x/my filter.wasm" });
    expect(config.listeners[0]!.filters).toEqual(["my-filter"]);
  });

  test.each([
    [["run", "x.yaml"], "expected a .wasm"],
    [["run", "x.wasm", "--upstream", "nowhere"], "--upstream: expected host:port"],
    [["run", "--workers", "0"], "--workers: expected a whole number"],
    [["run", "--resume"], "--resume is not supported yet"],
    [["dev", "--keep"], "--keep is not supported yet"],
    [["dev", "--port", "99999"], "--port: expected a whole number"],
    [["dev"], "there is no sluice.yaml"],
  ])("%j is refused", async (argv, message) => {
    const { code, err } = await here(...argv);
    expect([2, 3]).toContain(code);
    expect(err).toContain(message);
  });
});

describe("tools", () => {
  test("schema prints the published one", async () => {
    const { out } = await here("schema");
    expect(JSON.parse(out).title).toBe("sluice configuration");
  });

  test("doctor checks Node, ports, the folder, and what is installed for what", async () => {
    const { code, out } = await here("doctor", "--json");
    expect(code).toBe(0);
    const { checks } = JSON.parse(out) as { checks: { check: string; state: string }[] };
    expect(checks.map((one) => one.check)).toEqual([
      "node",
      "npm",
      "platform",
      "wasm",
      "port 8080",
      "port 9901",
      "folder",
      "compile cache",
      "@sluice/sdk",
      "assemblyscript",
      "@bytecodealliance/jco-transpile",
      "@bytecodealliance/preview2-shim",
      "componentize-qjs",
      "vitest",
    ]);
    expect(checks[0]!.state).toBe("ok");
    expect((await here("doctor")).out).toMatch(/^✓ node/);
  });

  test.each(["bash", "zsh", "fish"])("completion for %s knows every command and flag", async (shell) => {
    const { out } = await here("completion", shell);
    for (const word of ["demo", "rollback", "admin-port", "variants"]) expect(out).toContain(word);
    if (shell === "bash") expect(spawnSync("bash", ["-n"], { input: out, encoding: "utf8" }).stderr).toBe("");
  });

  test("completion for another shell is a usage error", async () => {
    expect((await here("completion", "constructor")).code).toBe(2);
  });
});
