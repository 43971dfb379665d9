// Builds the probe guest written in C with the system's clang and wasm-ld, freestanding. Where they are missing the C
// column of the matrix is skipped, with the reason that `cUnavailable` gives; .ci/run installs them.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FUNCTIONS, type HostFunctionShape } from "../functions.ts";
import { CALLBACK_EXPORTS, callbackNumber, type CallbackExport } from "./callback-exports.ts";
import { HEADER_CALLBACKS, MARKERS, shortForm } from "./variant.ts";

const SOURCES = join(import.meta.dirname, "../guests/c");
const FLAGS = "--target=wasm32 -O1 -ffreestanding -fno-builtin -nostdlib -Wall -Werror -Wno-unused-function".split(" ");
const LINK = "-Wl,--no-entry -Wl,-z,stack-size=16384 -Wl,--initial-memory=327680".split(" ");

/** Why C guests cannot be built here, or null. */
export function cUnavailable(): string | null {
  try {
    if (!execFileSync("clang", ["--print-targets"], { encoding: "utf8" }).includes("wasm32")) {
      return "this clang has no wasm32 target";
    }
    execFileSync("wasm-ld", ["--version"]);
    return null;
  } catch {
    return "clang or wasm-ld is not installed (Debian: clang, lld)";
  }
}

/** With the exports of every variant. @throws with the compiler's words when it does not compile */
export function buildC(): Uint8Array {
  const folder = mkdtempSync(join(tmpdir(), "conformance-c-"));
  try {
    writeFileSync(join(folder, "imports.inc"), imports());
    writeFileSync(join(folder, "dispatch.inc"), dispatch());
    writeFileSync(join(folder, "exports.inc"), exports());
    const target = join(folder, "probe.wasm");
    const args = [...FLAGS, "-I", folder, ...LINK, "-o", target, join(SOURCES, "probe.c")];
    execFileSync("clang", args, { stdio: ["ignore", "ignore", "pipe"] });
    return readFileSync(target);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** C names; WASI under its second name gets one of its own. */
const label = ({ module, name }: HostFunctionShape): string => `${module === "wasi_unstable" ? "old_" : ""}${name}`;

function imports(): string {
  const lines = FUNCTIONS.map((one) => {
    const params = [...one.params].map((letter) => (letter === "I" ? "i64" : "u32")).join(", ");
    const result = one.hasResult ? "u32" : "void";
    return `IMPORT("${one.module}", "${one.name}") ${result} ${label(one)}(${params === "" ? "void" : params});`;
  });
  return lines.join("\n");
}

function dispatch(): string {
  const lines = FUNCTIONS.map((one, number) => {
    const args = [...one.params].map((letter, at) => (letter === "I" ? `(i64)(i32)arg(op, ${at})` : `arg(op, ${at})`));
    const called = `${label(one)}(${args.join(", ")})`;
    return `case ${number}: ${one.hasResult ? `return ${called};` : `${called}; return 0;`}`;
  });
  return lines.join("\n");
}

function exports(): string {
  const callbacks = CALLBACK_EXPORTS.map((one) => callback(one, one.name, one.extra));
  const short = CALLBACK_EXPORTS.filter(({ name }) => HEADER_CALLBACKS.includes(name)).map((one) =>
    callback(one, shortForm(one.name), one.extra - 1),
  );
  const marks = MARKERS.map((version) => `EXPORT("proxy_abi_version_${version}") void abi_version_${version}(void) {}`);
  return [
    ...marks,
    allocator("malloc", 14),
    allocator("proxy_on_memory_allocate", 15),
    ...starts(),
    ...callbacks,
    ...short,
  ].join("\n");
}

const allocator = (name: string, variable: number): string =>
  `EXPORT("${name}") u32 export_${name}(u32 size) { variables[${variable}]++; return allocate(size); }`;

const START_TYPES = {
  _initialize: ["void", "(void)", "", "CB_INITIALIZE"],
  main: ["u32", "(u32 count, u32 words)", "return 0;", "CB_MAIN"],
  __main_void: ["u32", "(void)", "return 0;", "CB_MAIN"],
  _start: ["void", "(void)", "", "CB_START"],
} as const;

function starts(): string[] {
  return Object.entries(START_TYPES).map(([name, [type, params, result, number]]) => {
    const body = `enter(0); load_environment(); run(${number}, 0, 0, 0, 0, 0); ${result}`;
    return `EXPORT("${name}") ${type} export_${name}${params} { ${body} }`;
  });
}

/** What a callback does before its section runs. */
const BEFORE: Readonly<Record<string, string>> = {
  proxy_validate_configuration: "load_configuration(a);",
  proxy_on_configure: "load_configuration(a);",
  proxy_on_request_headers: "load_header();",
};

function callback(one: CallbackExport, name: string, extra: number): string {
  const letters = ["a", "b", "c", "d"];
  const params = letters.slice(0, extra).map((letter) => `, u32 ${letter}`);
  const given = letters.map((letter, at) => (at < extra ? letter : "0")).join(", ");
  const number = callbackNumber(one.reports);
  const which = one.rootReports === undefined ? number : `id == root ? ${callbackNumber(one.rootReports)} : ${number}`;
  const run = `run(${which}, ${given}, ${one.answer ?? 0})`;
  const body = `enter(id); ${BEFORE[one.name] ?? ""} ${one.answer === null ? `${run};` : `return ${run};`}`;
  const result = one.answer === null ? "void" : "u32";
  const label = name.replace(":", "_");
  return `EXPORT("${name}") ${result} export_${label}(u32 id${params.join("")}) { ${body} }`;
}
