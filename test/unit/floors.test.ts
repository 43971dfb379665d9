// The architecture, as a table. Imports go down only; rooms on one floor are strangers; nothing below `net` knows a socket.
import { readFileSync, readdirSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = resolve(import.meta.dirname, "../..");

/** Lowest first. A file may import its own room and any lower floor. */
const FLOORS: readonly (readonly string[])[] = [
  ["sdk/assembly/abi"],
  ["host/base"],
  ["host/abi", "host/observe", "host/tls"],
  ["host/module", "host/route", "host/experiment", "host/upstream"],
  ["host/vm"],
  ["host/plugin"],
  ["host/chain"],
  ["host/net", "host/replay"],
  ["host/link", "host/config"],
  ["host/data-plane"],
  ["host/control"],
  ["host/admin", "host/demo", "host/testing", "host/runner"],
  ["host/suite"],
  ["host/cli"],
  ["host/index.ts", "host/testing.ts"],
];
/** Edges across the package border, and the two that rooms on one floor need. */
const EXTRA: readonly (readonly [string, string])[] = [
  ["host/control", "sdk/build"],
  ["host/cli", "sdk/build"],
  ["sdk/testing", "host/testing.ts"],
  ["sdk/testing", "sdk/build"],
  ["host/observe", "host/abi"],
  ["host/data-plane", "host/link"],
];
const NETWORK = /^node:(net|tls|http|https|http2|dgram|dns)$/;
const NETWORK_ROOMS = ["host/tls", "host/net", "host/upstream", "host/control", "host/admin", "host/cli", "host/demo"];
const WASM_ROOMS = ["host/vm", "host/module", "sdk/build"];

const roomOf = (path: string): string => {
  const parts = path.split("/");
  if (path.startsWith("sdk/assembly/abi/")) return "sdk/assembly/abi";
  return parts.length === 2 ? path : `${parts[0]}/${parts[1]}`;
};
const floorOf = (room: string): number => FLOORS.findIndex((floor) => floor.includes(room));

function files(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: "utf8" })
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".d.ts") && !name.includes("node_modules"))
    .map((name) => join(folder, name));
}

const IMPORT =
  /(?:^|\n)\s*(?:import|export)\s[^;]*?from\s+"([^"]+)"|(?:^|\n)\s*import\s+"([^"]+)"|\bimport\("([^"]+)"\)/g;
const importsOf = (file: string): string[] =>
  [...readFileSync(join(ROOT, file), "utf8").matchAll(IMPORT)].map((found) => found[1] ?? found[2] ?? found[3] ?? "");

const allowed = (from: string, to: string): boolean =>
  from === to ||
  EXTRA.some(([a, b]) => a === from && b === to) ||
  (floorOf(from) >= 0 && floorOf(to) >= 0 && floorOf(to) < floorOf(from));

const sources = [...files("host"), ...files("sdk").filter((file) => /^sdk\/(build|testing)\//.test(file))];

describe("floors", () => {
  test("every import goes down, and rooms on one floor are strangers", () => {
    const wrong: string[] = [];
    for (const file of sources) {
      for (const target of importsOf(file).filter((name) => name.startsWith("."))) {
        const to = relative(ROOT, resolve(ROOT, dirname(file), target));
        if (!allowed(roomOf(file), roomOf(to))) wrong.push(`${file} -> ${to}`);
      }
    }
    expect(wrong).toEqual([]);
  });

  test("every room of the host stands on a floor", () => {
    expect(sources.filter((file) => file.startsWith("host/") && floorOf(roomOf(file)) < 0)).toEqual([]);
  });

  test("only the edge rooms touch the network", () => {
    const wrong = sources.filter(
      (file) => !NETWORK_ROOMS.includes(roomOf(file)) && importsOf(file).some((name) => NETWORK.test(name)),
    );
    expect(wrong).toEqual([]);
  });

  test("only vm, module and the build's smoke check say WebAssembly.Instance, .Module or .Memory", () => {
    const said = /new WebAssembly\.|WebAssembly\.(compile|instantiate|validate)\b/;
    const wrong = sources.filter(
      (file) => !WASM_ROOMS.includes(roomOf(file)) && said.test(readFileSync(join(ROOT, file), "utf8")),
    );
    expect(wrong).toEqual([]);
  });

  test("the data plane imports Node core only", () => {
    const data = [
      "host/base",
      "host/abi",
      "host/observe",
      "host/tls",
      "host/route",
      "host/experiment",
      "host/upstream",
      "host/vm",
      "host/plugin",
      "host/chain",
      "host/net",
      "host/replay",
      "host/link",
      "host/data-plane",
    ];
    const wrong = sources.filter(
      (file) =>
        data.includes(roomOf(file)) &&
        importsOf(file).some((name) => !name.startsWith(".") && !name.startsWith("node:")),
    );
    expect(wrong).toEqual([]);
  });
});
