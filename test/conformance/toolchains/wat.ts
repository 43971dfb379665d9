// Builds the probe guest written in WebAssembly text: guests/probe.wat with the parts that follow from the tables put in,
// assembled by binaryen.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import binaryen from "assemblyscript/binaryen";
import { FIRST_OWN, FUNCTIONS, type HostFunctionShape } from "../functions.ts";
import { CALLBACK_EXPORTS, callbackNumber, type CallbackExport } from "./callback-exports.ts";
import { HEADER_CALLBACKS, MARKERS, shortForm } from "./variant.ts";

const SOURCE = join(import.meta.dirname, "../guests/probe.wat");

/** Function names of the text; WASI under its second name gets one of its own. */
const label = ({ module, name }: HostFunctionShape): string => `$${module === "wasi_unstable" ? "old_" : ""}${name}`;

/** With the exports of every variant. */
export function buildWat(): Uint8Array {
  const text = readFileSync(SOURCE, "utf8")
    .replace(";;IMPORTS", imports())
    .replace(";;DISPATCH", dispatch())
    .replace(";;EXPORTS", exports());
  const module = binaryen.parseText(text);
  module.setFeatures(binaryen.Features.MVP | binaryen.Features.BulkMemory | binaryen.Features.MutableGlobals);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

function imports(): string {
  const lines = FUNCTIONS.map((one) => {
    const params = [...one.params].map((letter) => (letter === "I" ? " i64" : " i32")).join("");
    const result = one.hasResult ? " (result i32)" : "";
    return `(import "${one.module}" "${one.name}" (func ${label(one)} (param${params})${result}))`;
  });
  return lines.join("\n  ");
}

const argument = (letter: string, at: number): string => {
  const value = `(call $arg (local.get $op) (i32.const ${at}))`;
  return letter === "I" ? `(i64.extend_i32_s ${value})` : value;
};

function dispatch(): string {
  const cases = FUNCTIONS.map((one, number) => {
    const call = `(call ${label(one)} ${[...one.params].map(argument).join(" ")})`;
    const answer = one.hasResult ? `(return ${call})` : `${call} (return (i32.const 0))`;
    return `(if (i32.eq (local.get $f) (i32.const ${number})) (then ${answer}))`;
  });
  const own = OWN_BODIES.map(
    (body, at) => `(if (i32.eq (local.get $f) (i32.const ${FIRST_OWN + at})) (then (return ${body})))`,
  );
  const lines = [...own, ...cases].join("\n    ");
  return `(func $dispatch (param $op i32) (result i32)
    (local $f i32)
    (local.set $f (i32.load (local.get $op)))
    ${lines}
    (unreachable))`;
}

/** In the order of OWN in functions.ts. */
const OWN_BODIES: readonly string[] = [
  "(i32.const 0)",
  "(call $guard)",
  "(block (result i32) (global.set $allocator (call $arg (local.get $op) (i32.const 0))) (i32.const 0))",
  "(unreachable)",
  "(memory.grow (call $arg (local.get $op) (i32.const 0)))",
  "(i32.load offset=0x600 (i32.shl (call $arg (local.get $op) (i32.const 0)) (i32.const 2)))",
  "(block (result i32) (loop $for_ever (br $for_ever)) (i32.const 0))",
  `(block (result i32) (i32.store (call $arg (local.get $op) (i32.const 0)) (call $arg (local.get $op) (i32.const 1)))
      (i32.const 0))`,
  "(i32.load (call $arg (local.get $op) (i32.const 0)))",
];

function exports(): string {
  const callbacks = CALLBACK_EXPORTS.map((one) => callback(one, one.name, one.extra));
  const short = CALLBACK_EXPORTS.filter(({ name }) => HEADER_CALLBACKS.includes(name)).map((one) =>
    callback(one, shortForm(one.name), one.extra - 1),
  );
  const marks = MARKERS.map((version) => `(func (export "proxy_abi_version_${version}"))`);
  return [
    ...marks,
    allocator("malloc", 14),
    allocator("proxy_on_memory_allocate", 15),
    ...starts(),
    ...callbacks,
    ...short,
  ].join("\n  ");
}

const allocator = (name: string, variable: number): string =>
  `(func (export "${name}") (param i32) (result i32) (call $count_variable (i32.const ${variable})) (call $allocate (local.get 0)))`;

const START_TYPES = {
  _initialize: ["", "", "initialize"],
  main: ["(param i32 i32) (result i32)", "(i32.const 0)", "main"],
  __main_void: ["(result i32)", "(i32.const 0)", "main"],
  _start: ["", "", "start"],
} as const;

function starts(): string[] {
  return Object.entries(START_TYPES).map(
    ([name, [type, result, reports]]) =>
      `(func (export "${name}") ${type} (call $enter (i32.const 0)) (call $load_environment)
    (drop (call $run (i32.const ${callbackNumber(reports)}) ${ZERO.repeat(5)})) ${result})`,
  );
}

const ZERO = "(i32.const 0) ";
/** What a callback does before its section runs. */
const BEFORE: Readonly<Record<string, string>> = {
  proxy_validate_configuration: "(call $load_configuration (local.get 1))",
  proxy_on_configure: "(call $load_configuration (local.get 1))",
  proxy_on_request_headers: "(call $load_header)",
};

function callback(one: CallbackExport, name: string, extra: number): string {
  const params = "i32 ".repeat(extra + 1);
  const given = Array.from({ length: 4 }, (_, at) => (at < extra ? `(local.get ${at + 1})` : "(i32.const 0)")).join(
    " ",
  );
  const number = callbackNumber(one.reports);
  const which =
    one.rootReports === undefined
      ? `(i32.const ${number})`
      : `(select (i32.const ${callbackNumber(one.rootReports)}) (i32.const ${number})
        (i32.eq (local.get 0) (global.get $root)))`;
  const run = `(call $run ${which} ${given} (i32.const ${one.answer ?? 0}))`;
  return `(func (export "${name}") (param ${params})${one.answer === null ? "" : " (result i32)"}
    (call $enter (local.get 0)) ${BEFORE[one.name] ?? ""}
    ${one.answer === null ? `(drop ${run})` : run})`;
}
