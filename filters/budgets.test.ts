// The release build of every filter against its filter.json: size without custom sections, host calls, nothing else.
import { globSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { codeSize, type Compiled } from "../sdk/build/index.ts";
import { build } from "../sdk/testing/index.ts";

interface Description {
  readonly name: string;
  readonly version: string;
  readonly phases: readonly string[];
  readonly permissions: readonly string[];
  /** Bytes of the release build without custom sections. */
  readonly budget: number;
}

const folders = globSync("filters/*/").sort();
const PHASES: Readonly<Record<string, string>> = {
  requestHeaders: "proxy_on_request_headers",
  requestBody: "proxy_on_request_body",
  requestTrailers: "proxy_on_request_trailers",
  responseHeaders: "proxy_on_response_headers",
  responseBody: "proxy_on_response_body",
  responseTrailers: "proxy_on_response_trailers",
};

describe.each(folders.map((folder) => [basename(folder), folder] as const))("budget of %s", (name, folder) => {
  const described = JSON.parse(readFileSync(join(folder, "filter.json"), "utf8")) as Description;
  let built: Compiled;
  beforeAll(async () => {
    built = await build(folder, "release");
  });

  test("filter.json names the filter, its version and its phases", () => {
    expect(described).toMatchObject({ name, version: expect.stringMatching(/^\d+\.\d+\.\d+$/) });
    expect(built.info).toMatchObject({ name, version: described.version });
    const used = Object.entries(PHASES).filter(([, callback]) => built.info.callbacks.includes(callback));
    expect(described.phases).toEqual(used.map(([phase]) => phase));
  });

  test("the code fits its budget, and the budget is not slack", () => {
    expect(codeSize(built.wasm)).toBeLessThanOrEqual(described.budget);
    expect(codeSize(built.wasm)).toBeGreaterThan(described.budget * 0.8);
  });

  test("it imports host calls it has permission for, and nothing else", () => {
    const imports = WebAssembly.Module.imports(new WebAssembly.Module(new Uint8Array(built.wasm)));
    expect(imports.filter(({ module }) => module !== "env")).toEqual([]);
    expect(imports.map((one) => one.name).filter((one) => !described.permissions.includes(one))).toEqual([]);
  });
});
