// docs/ is true: what is generated is current, links lead somewhere, and every snippet is run. A comment before a block says what
// it is: `file: PATH` is written, `config` is checked, `test: PATH` is run by vitest, `yaml: envoy|istio` is read; `sh` blocks are
// run line by line, and a block after `prints` must be found in what they printed.
// `shown` is output that no command of the page makes.
import { spawnSync } from "node:child_process";
import { existsSync, globSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { runCli } from "../../host/cli/main.ts";
import { configReference, filterReference } from "../../docs/write.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const PAGES = globSync("docs/*.md", { cwd: ROOT }).sort();
const read = (page: string): string => readFileSync(join(ROOT, page), "utf8");

interface Block {
  readonly language: string;
  readonly text: string;
  /** Of the comments right before it. */
  readonly marks: readonly string[];
}
const BLOCK = /((?:<!-- [^>]+ -->\n+)*)^```(\w*)\n(.*?)^```$/gms;
const blocksOf = (page: string): Block[] =>
  [...read(page).matchAll(BLOCK)].map(([, comments = "", language = "", text = ""]) => ({
    language,
    text,
    marks: [...comments.matchAll(/<!-- (.+?) -->/g)].map((found) => found[1] ?? ""),
  }));

const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
/** An author's folder: the packages are there, nothing else. In the checkout, so that vitest finds the testing kit. */
function newPlace(page: string): string {
  const folder = join(ROOT, "build/docs", basename(page, ".md"));
  folders.push(folder);
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  return folder;
}

async function runLine(line: string, cwd: string): Promise<string> {
  const [command = "", exits = "0"] = line.split(/\s+# exits /);
  const argv = [...command.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g)].map(
    (found) => found[1] ?? found[2] ?? found[3] ?? "",
  );
  expect(argv.shift()).toBe("sluice");
  let said = "";
  const output = { write: (text: string) => (said += text) };
  const code = await runCli(argv, { stdout: output, stderr: output, env: {}, cwd });
  expect({ line, code, said }).toMatchObject({ code: Number(exits) });
  return said;
}

function runTests(files: readonly string[], cwd: string): void {
  const vitest = join(ROOT, "node_modules/vitest/vitest.mjs");
  const env = Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV|SLUICE_)/.test(name)),
  );
  // The alias is what a package's own door is outside of this checkout.
  const argv = [vitest, "run", "--root", cwd, "--config", join(ROOT, "test/support/docs.config.ts"), ...files];
  const { status, stdout, stderr } = spawnSync(process.execPath, argv, { cwd, env, encoding: "utf8" });
  if (status !== 0) throw new Error(stdout + stderr);
}

describe.each(PAGES.filter((page) => blocksOf(page).length > 0))("%s", (page) => {
  test("its snippets run", async () => {
    const place = newPlace(page);
    const tests: string[] = [];
    let printed = "";
    for (const { language, text, marks } of blocksOf(page)) {
      const mark = (word: string) => marks.find((one) => one.startsWith(`${word}: `))?.slice(word.length + 2);
      const file = mark("file") ?? mark("test");
      if (mark("test") !== undefined) tests.push(mark("test") ?? "");
      if (file !== undefined) {
        mkdirSync(join(place, dirname(file)), { recursive: true });
        writeFileSync(join(place, file), text);
      } else if (language === "sh") {
        printed = "";
        for (const line of text.trim().split("\n")) printed += await runLine(line, place);
      } else if (marks.includes("prints")) {
        for (const line of text.trim().split("\n")) expect(printed).toContain(line);
      } else if (mark("yaml") !== undefined) {
        checkYaml(mark("yaml") ?? "", parse(text));
      } else if (marks.includes("shown")) {
        // What somebody saw. Its shape can still be wrong.
        if (language === "json") JSON.parse(text);
      } else {
        throw new Error(`${page}: nothing runs this block:\n${text}`);
      }
    }
    if (tests.length > 0) runTests(tests, place);
  }, 120_000);
});

/** Words of the other hosts, as their schemas have them. */
function checkYaml(host: string, value: unknown): void {
  if (host === "envoy") {
    expect(value).toMatchObject({
      name: "envoy.filters.http.wasm",
      typed_config: {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm",
        config: { name: "tag", vm_config: { runtime: "envoy.wasm.runtime.v8" } },
      },
    });
    const { value: config } = (value as { typed_config: { config: { configuration: { value: string } } } }).typed_config
      .config.configuration;
    expect(JSON.parse(config)).toEqual({ value: "hello" });
  } else {
    expect(value).toMatchObject({
      apiVersion: "extensions.istio.io/v1alpha1",
      kind: "WasmPlugin",
      spec: { url: expect.stringMatching(/^oci:/), phase: expect.stringMatching(/AUTHN|AUTHZ|STATS/) },
    });
  }
}

describe("docs", () => {
  test("the configuration's reference is current; else run npm run docs", () => {
    expect(configReference()).toBe(read("docs/config-reference.md"));
  });

  test("the filters' reference is current; else run npm run docs", async () => {
    expect(await filterReference()).toBe(read("docs/filter-reference.md"));
  });

  test.each([...PAGES, "README.md", "ARCHITECTURE.md"])("links of %s lead somewhere", (page) => {
    const links = [...read(page).matchAll(/\]\(([^)#\s]+)(?:#[^)]*)?\)/g)].map((found) => found[1] ?? "");
    const dead = links.filter((link) => !/^https?:/.test(link) && !existsSync(join(ROOT, dirname(page), link)));
    expect(dead).toEqual([]);
  });

  test("every page is in the list", () => {
    const list = read("docs/README.md");
    for (const page of PAGES.filter((one) => one !== "docs/README.md")) expect(list).toContain(`(${basename(page)})`);
  });

  test("files that docs name are there", () => {
    const named = PAGES.flatMap((page) => [...read(page).matchAll(/`((?:host|bench|sdk|test)\/[\w./-]+)`/g)]);
    expect(named.map((found) => found[1] ?? "").filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
  });
});
