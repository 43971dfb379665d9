// An author's project outside this repository: what is published is complete, and what `sluice new` writes works with it.
import { readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { Outside } from "../support/packed.ts";

let outside: Outside;
beforeAll(() => {
  outside = new Outside();
  outside.install();
}, 120_000);
afterAll(() => outside.remove());
const read = (path: string): string => readFileSync(join(outside.folder, path), "utf8");

describe("the packages", () => {
  test("hold emitted JavaScript, guest sources and no test, map or binary", () => {
    const own = join(outside.folder, "node_modules");
    const all = (name: string): string[] => readdirSync(join(own, name), { recursive: true, encoding: "utf8" });
    const host = all("sluice").filter((name) => name.startsWith("host/"));
    expect(host.filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts"))).toEqual([]);
    expect(host).toContain("host/data-plane/thread.js");
    expect(all("@sluice/sdk")).toEqual(
      expect.arrayContaining(["index.ts", "proxy.ts", "assembly/env.ts", "testing/vitest.js", "editor.d.ts"]),
    );
    const strange = [...all("sluice"), ...all("@sluice/sdk")].filter((name) => /\.(wasm|map|node|tgz)$/.test(name));
    expect(strange).toEqual([]);
    const { engines, dependencies, optionalDependencies } = JSON.parse(read("node_modules/sluice/package.json"));
    expect(engines).toEqual({ node: ">=24.12" });
    expect(dependencies["@sluice/sdk"]).toBe("0.1.0");
    expect(optionalDependencies).toBeUndefined();
  });

  test("name an outdated Node and what to do about it", () => {
    const script = `Object.defineProperty(process.versions, "node", { value: "20.1.0" }); require("sluice/bin/sluice.js")`;
    writeFileSync(join(outside.folder, "old.cjs"), script.replace("sluice/bin", "./node_modules/sluice/bin"));
    const { status, stderr } = outside.run("node", "old.cjs", "--version");
    expect(status).toBe(69);
    expect(stderr).toMatch(/needs Node 24\.12 or newer; this is Node 20\.1\.0/);
    expect(stderr).toContain("npm install --save-dev node-");
  });
});

describe("sluice new", () => {
  test("writes a project whose test passes", () => {
    const made = outside.run("npx", "sluice", "new", "tag", "--template", "http", "--yes");
    expect(made).toMatchObject({ status: 0, stderr: expect.stringContaining("npm test") });
    expect(made.stdout).toContain("  ~ package.json");
    expect(JSON.parse(read("package.json"))).toMatchObject({
      name: "shop",
      type: "module",
      scripts: { test: "vitest run", dev: "sluice dev" },
      devDependencies: { vitest: "5.1.1" },
    });
    outside.installMore();
    const tested = outside.run("npm", "test");
    expect(tested.stdout + tested.stderr).toMatch(/3 passed/);
    expect(tested.status).toBe(0);
  }, 120_000);

  test("adds another filter to it, of another kind", () => {
    const { status, stdout, stderr } = outside.run("npx", "sluice", "new", "door", "--template", "tcp", "--json");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(JSON.parse(stdout).files).toEqual([
      "filters/door/README.md",
      "filters/door/assembly/door.ts",
      "filters/door/assembly/index.ts",
      "filters/door/door.test.ts",
      "filters/door/filter.json",
    ]);
    expect(outside.run("npm", "test").stdout).toMatch(/6 passed/);
  });

  test("refuses a second filter of a name, and says where the first is", () => {
    const { status, stderr } = outside.run("npx", "sluice", "new", "tag");
    expect(status).toBe(1);
    expect(stderr).toContain('there is a filter "tag" already: filters/tag');
  });

  test("wrote a config that is valid against the schema it names", () => {
    expect(read("sluice.yaml")).toMatch(/^# yaml-language-server: \$schema=(\S+)/);
    const [, schema] = /\$schema=(\S+)/.exec(read("sluice.yaml"))!;
    expect(JSON.parse(read(schema!)).title).toBe("sluice configuration");
    expect(outside.run("npx", "sluice", "validate")).toMatchObject({ status: 0, stderr: "" });
  });

  test("wrote compiler targets that plain asc builds with", () => {
    const args = ["filters/tag/assembly/index.ts", "--config", "asconfig.json", "--target", "release"];
    const { status, stderr } = outside.run("npx", "asc", ...args, "-o", "plain.wasm");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const called = outside.run("npx", "sluice", "call", "plain.wasm", "/x", "--json");
    expect(JSON.parse(called.stdout).requestHeaders).toContainEqual(["x-tag", "on"]);
  });

  test("wrote tasks whose problem matcher reads what a failed build prints", () => {
    const file = "filters/tag/assembly/tag.ts";
    const good = read(file);
    writeFileSync(join(outside.folder, file), good.replace("headers.set(", "headers.sett("));
    const { status, stderr } = outside.run("npx", "sluice", "build", "tag", "--no-color");
    writeFileSync(join(outside.folder, file), good);
    expect(status).toBe(4);
    const { tasks } = JSON.parse(read(".vscode/tasks.json"));
    const [message, place] = tasks[1].problemMatcher.pattern.map(
      ({ regexp }: { regexp: string }) => new RegExp(regexp),
    );
    const lines = stderr.split("\n");
    const at = lines.findIndex((line) => message.test(line));
    expect(message.exec(lines[at])!.slice(1)).toEqual([
      "error",
      "compile",
      "Property 'sett' does not exist on type '~lib/@sluice/sdk/assembly/headers/HeaderView'.",
    ]);
    expect(place.exec(lines[at + 1])!.slice(1, 3)).toEqual([file, "21"]);
  });
});

test("a missing compiler is named, with the command that brings it", () => {
  const compiler = join(outside.folder, "node_modules/assemblyscript");
  renameSync(compiler, `${compiler}.away`);
  const { status, stderr } = outside.run("npx", "sluice", "build", "tag");
  const doctor = outside.run("npx", "sluice", "doctor");
  renameSync(`${compiler}.away`, compiler);
  expect([status, stderr]).toEqual([
    4,
    expect.stringContaining(
      "the AssemblyScript compiler is not installed; run: npm install --save-dev assemblyscript@",
    ),
  ]);
  expect(doctor.stdout).toContain("not installed; needed for compiling filters");
});

test("the program runs from the package: build, call, serve", async () => {
  expect(outside.run("npx", "sluice", "build", "tag")).toMatchObject({ status: 0 });
  const called = outside.run("npx", "sluice", "call", "build/tag.wasm", "/x", "--trace");
  expect(called.stdout).toContain("+ x-tag: on");
  const doctor = outside.run("npx", "sluice", "doctor", "--json");
  expect(JSON.parse(doctor.stdout)).toMatchObject({ ok: true });
});
