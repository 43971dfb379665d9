import { describe, expect, test } from "vitest";
import { problemError } from "../../../host/base/problem.ts";
import { exitCodeOf, UnreachableError, UsageError } from "../../../host/cli/exit.ts";
import { wantsColor } from "../../../host/cli/terminal.ts";
import { run } from "./support.ts";

describe("sluice", () => {
  test("--version says which Node it runs on", async () => {
    expect(await run(["--version"])).toEqual({ code: 0, out: `sluice 0.1.0 (node ${process.version})\n`, err: "" });
  });

  test.each([[[]], [["help"]], [["--help"]], [["-h"]]])("%j lists the commands", async (argv) => {
    const { code, out } = await run(argv);
    expect(code).toBe(0);
    expect(out).toMatch(/^ {2}demo {8}Proxy/m);
    expect(out).toMatch(/^ {2}ab /m);
  });

  test("help <command> is the command's help", async () => {
    expect((await run(["help", "swap"])).out).toBe((await run(["swap", "--help"])).out);
  });

  test.each([
    ["filtres", 'unknown command "filtres"', 'did you mean "filters"?'],
    ["xyzzy", 'unknown command "xyzzy"', "sluice help lists the commands"],
    ["transpile", '"sluice transpile" is not supported yet', ""],
  ])("%s is a usage error", async (name, message, hint) => {
    const { code, out, err } = await run([name]);
    expect([code, out]).toEqual([2, ""]);
    expect(err).toContain(message);
    expect(err).toContain(hint);
  });

  test("an unknown flag is a usage error", async () => {
    const { code, err } = await run(["filters", "--jsn"]);
    expect(code).toBe(2);
    expect(err).toBe('error[usage]: unknown flag --jsn\n  help: did you mean "--json"?\n');
  });

  test("global flags may stand before the command", async () => {
    expect((await run(["--json", "--admin", "127.0.0.1:1", "filters"])).code).toBe(5);
  });

  test.each([
    [new UsageError("x"), 2],
    [new UnreachableError("http://x", "ECONNREFUSED"), 5],
    [problemError("config", "x", "x"), 3],
    [problemError("compile", "x", "x"), 4],
    [problemError("abi", "x", "x"), 4],
    [problemError("state", "x", "x"), 1],
    [new TypeError("x"), 1],
  ])("%s ends with its exit code", (error, code) => {
    expect(exitCodeOf(error)).toBe(code);
  });

  test.each([
    [{}, true, true],
    [{}, false, false],
    [{ NO_COLOR: "1" }, true, false],
    [{ NO_COLOR: "yes" }, true, false],
    [{ NO_COLOR: "" }, true, true],
    [{ TERM: "dumb" }, true, false],
  ])("with %j on a terminal: %s, colours: %s", (env, isTTY, expected) => {
    expect(wantsColor({ write: () => true, isTTY }, env)).toBe(expected);
  });

  test("colours its help on a terminal only", async () => {
    const admin = ["filters", "--admin", "127.0.0.1:1"];
    expect((await run([...admin, "--no-color"], { isTTY: true })).err).not.toContain("\u001b");
  });
});
