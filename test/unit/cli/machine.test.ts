// `sluice doctor`: each check as it is on a good machine and on one that lacks something, with what to do.
import { createServer } from "node:net";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import * as machine from "../../../host/cli/machine.ts";
import { ASC_VERSION } from "../../../sdk/build/index.ts";

let folder = "";
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), "sluice-machine-"))));
afterEach(() => {
  chmodSync(folder, 0o755);
  rmSync(folder, { recursive: true, force: true });
});
function install(name: string, version: string): void {
  mkdirSync(join(folder, "node_modules", name), { recursive: true });
  writeFileSync(join(folder, "node_modules", name, "package.json"), JSON.stringify({ name, version }));
}

describe("doctor", () => {
  test.each([
    ["20.20.2", "error"],
    ["24.11.1", "error"],
    ["24.12.0", "ok"],
    ["26.10.0", "ok"],
  ])("Node %s is %s", (version, state) => {
    const found = machine.checkNode(version);
    expect(found).toMatchObject({ state, text: `v${version}, needed 24.12+` });
    expect(found.hint === "").toBe(state === "ok");
  });

  test.each([
    ["11.19.1", "ok", ""],
    ["6.14.0", "warning", "npm@11"],
    [null, "warning", "comes with Node"],
  ])("npm %s is %s", (said, state, hint) => {
    expect(machine.checkNpm(said)).toMatchObject({ state, hint: expect.stringContaining(hint) });
  });

  test("a platform without a Node package is no fault", () => {
    expect(machine.checkPlatform("sunos-x64")).toMatchObject({ state: "ok", text: expect.stringContaining("sunos") });
  });

  test("a port that is taken is named, with the flag to use", async () => {
    const server = createServer();
    const port = await new Promise<number>((ready) =>
      server.listen(0, "127.0.0.1", () => ready((server.address() as { port: number }).port)),
    );
    const taken = await machine.checkPort(port, "--port");
    expect(taken).toMatchObject({
      state: "warning",
      text: expect.stringContaining("EADDRINUSE"),
      hint: "--port <port>",
    });
    await new Promise((closed) => server.close(closed));
    expect((await machine.checkPort(port, "--port")).state).toBe("ok");
  });

  test("the state folder must be writable", async () => {
    expect((await machine.checkFolder(folder)).state).toBe("ok");
    expect(await machine.checkFolder(join(folder, "none"))).toMatchObject({
      state: "warning",
      hint: expect.stringContaining("stateDir"),
    });
  });

  test("the compile cache is on and writable, or the start is slow", async () => {
    expect((await machine.checkCompileCache(folder)).state).toBe("ok");
    expect(await machine.checkCompileCache(join(folder, "none"))).toMatchObject({ state: "warning" });
    expect((await machine.checkCompileCache(undefined)).state).toMatch(/ok|warning/);
  });

  test("the SDK that filters import is the program's", () => {
    expect(machine.checkSdk(folder)).toMatchObject({ state: "warning", text: "not installed here; filters import it" });
    install("@sluice/sdk", "0.0.9");
    expect(machine.checkSdk(folder, "0.1.0")).toMatchObject({
      text: "0.0.9, but sluice is 0.1.0",
      hint: "npm install --save-dev @sluice/sdk@0.1.0",
    });
    install("@sluice/sdk", "0.1.0");
    expect(machine.checkSdk(folder, "0.1.0")).toMatchObject({ state: "ok", hint: "" });
  });

  test("the compiler is the one the SDK is written for", () => {
    expect(machine.checkPackage("assemblyscript", "compiling filters", ASC_VERSION, folder)).toMatchObject({
      text: "not installed; needed for compiling filters",
      hint: `npm install --save-dev assemblyscript@${ASC_VERSION}`,
    });
    install("assemblyscript", "0.27.0");
    expect(machine.checkPackage("assemblyscript", "compiling filters", ASC_VERSION, folder)).toMatchObject({
      state: "warning",
      text: `0.27.0; the SDK is written for ${ASC_VERSION}`,
    });
    const { dependencies } = JSON.parse(readFileSync("package.json", "utf8")) as { dependencies: object };
    expect(dependencies).toMatchObject({ assemblyscript: ASC_VERSION });
  });
});
