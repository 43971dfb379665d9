// What an author gets wrong in the first hour: each mistake has its own message, its place, and what to do. (An outdated Node:
// test/e2e/bootstrap.test.ts and packed.test.ts; a missing compiler: packed.test.ts.)
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { run } from "./support.ts";

const FILTER = `import { Config, definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
@config
class C extends Config {}
class F extends HttpFilter {
  constructor(config: C) { super(); }
  override onRequestHeaders(request: RequestHead): Flow { return Flow.Continue; }
}
definePlugin<C, F>("f");
`;
const ENTRY = `export * from "@sluice/sdk/proxy";\n${FILTER}`;

let folder = "";
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "sluice-bad-"));
  mkdirSync(join(folder, "node_modules/@sluice"), { recursive: true });
  symlinkSync(resolve(import.meta.dirname, "../../../sdk"), join(folder, "node_modules/@sluice/sdk"));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
function write(name: string, text: string): void {
  mkdirSync(join(folder, name, ".."), { recursive: true });
  writeFileSync(join(folder, name), text);
}
const here = (...argv: string[]) => run(argv, { cwd: folder });
async function buildOf(text: string): Promise<string> {
  write("filters/f/assembly/index.ts", text);
  const { code, err } = await here("build", "f", "--debug");
  expect(code).toBe(4);
  return err;
}

describe("a filter", () => {
  test("without its export line is given the line", async () => {
    expect(await buildOf(FILTER))
      .toBe(`error[compile]: the callbacks are missing, add: export * from "@sluice/sdk/proxy";
  --> filters/f/assembly/index.ts:1:1
1 | import { Config, definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
  | ^
`);
  });

  test("that declares a function no host has is shown where", async () => {
    const text = `${ENTRY}\ndeclare function make_coffee(): i32;\nexport function f(): i32 { return make_coffee(); }\n`;
    expect(await buildOf(text)).toBe(
      `error[compile]: imports index.make_coffee, which is no proxy-wasm host function: \`declare function\` makes an import that the host must have: give it a body, or import it from @sluice/sdk
  --> filters/f/assembly/index.ts:11:18
11 | declare function make_coffee(): i32;
   |                  ^^^^^^^^^^^
`,
    );
  });

  test("that imports a name the SDK lacks is shown which", async () => {
    const err = await buildOf(
      ENTRY.replace("RequestHead }", "RequestHead, Coffee }").replace("definePlugin<", "new Coffee();\ndefinePlugin<"),
    );
    expect(err).toContain("error[compile]: Module '~lib/@sluice/sdk' has no exported member 'Coffee'.");
    expect(err).toContain("--> filters/f/assembly/index.ts:2:");
  });

  test("that does not compile has a frame under it", async () => {
    const err = await buildOf(ENTRY.replace("Flow.Continue", "Flow.Contiune"));
    expect(err).toMatch(/--> filters\/f\/assembly\/index\.ts:7:\d+\n7 \| {3}override onRequestHeaders.*\n {2}\| +\^+/);
  });

  test("of a name that is taken is not written over", async () => {
    write("filters/g/assembly/index.ts", ENTRY);
    expect(await here("new", "g")).toEqual({
      code: 1,
      out: "",
      err: 'error[state]: there is a filter "g" already: filters/g\n  help: choose another name, or remove filters/g\n',
    });
  });
});

describe("a config", () => {
  const listener = `listeners:
  - name: public
    address: 127.0.0.1:8080
    filters: [f]
    routes: [{ name: r, match: { prefix: / }, directResponse: { status: 200 } }]
`;

  test("with two filters of one name points at the second", async () => {
    write("sluice.yaml", `${listener}filters:\n  - { name: f, source: ./f.wasm }\n  - { name: f, source: ./g.wasm }\n`);
    const { code, err } = await here("validate");
    expect(code).toBe(3);
    expect(err).toContain(`there is already a filter named "f"\n  --> sluice.yaml:8:13\n`);
    expect(err).toMatch(/8 \| {3}- \{ name: f, source: \.\/g\.wasm \}\n {3}\| +\^/);
    expect(err).toContain("help:");
  });

  test("that the filter refuses is told so before anything starts", async () => {
    const own = ENTRY.replace("class C extends Config {}", "class C extends Config { @range(1, 9) most: u32 = 1; }");
    write("filters/f/assembly/index.ts", own);
    const filters = "filters: [{ name: f, source: ./filters/f/assembly/index.ts, pluginConfig: { most: 10 } }]\n";
    write("sluice.yaml", `${listener}${filters}`);
    const { code, err } = await here("validate");
    expect(code).toBe(3);
    expect(err).toContain("error[config]: filter f: proxy_on_configure refused the configuration");
    expect(err).toContain("at /most: expected 1-9, got 10");
    write("sluice.yaml", `${listener}${filters.replace("10", "9")}`);
    expect((await here("validate")).code).toBe(0);
  });

  test("with a word that is nearly right asks whether the right one was meant", async () => {
    write("sluice.yaml", listener.replace("directResponse", "directRespones"));
    const { err } = await here("validate");
    expect(err).toContain('did you mean "directResponse"?');
    expect(err).toContain("^^^^^^^^^^^^^^");
  });

  test("that names a filter nobody defines lists what there is", async () => {
    write("sluice.yaml", `${listener}filters: [{ name: ff, source: ./f.wasm }]\n`);
    const { code, err } = await here("validate");
    expect(code).toBe(3);
    expect(err).toContain('"f"');
    expect(err).toContain('did you mean "ff"?');
  });
});
