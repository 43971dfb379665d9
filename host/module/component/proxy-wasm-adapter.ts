// Text of the core module that stands between a proxy-wasm module and the world `sluice:proxy-wasm`: it offers the module
// its host functions, made of the world's imports, and the world its callbacks, made of the module's exports. Both are
// generated from tables, for exactly the functions a module imports (components-and-isolation.md 1.6).
import { problemError } from "../../base/problem.ts";
import { CALLBACKS, WASI_MODULES } from "../callbacks.ts";
import type { ModuleInfo } from "../inspect.ts";
import { importLine, isIn, kebab, PACKAGE, VERSION } from "./adapter-words.ts";
import type { Adapter } from "./transpiled.ts";
import { WASI_FUNCTIONS, wasiFunction } from "./wasi-adapter.ts";

/**
 * Arguments in order. In: `i` u32, `l` u64, `b` bytes (pointer and size). Out: `B` bytes (two pointers), `o` u32, `O` u64.
 */
const HOST_FUNCTIONS: Readonly<Record<string, string>> = {
  proxy_log: "ib",
  proxy_get_log_level: "o",
  proxy_get_current_time_nanoseconds: "O",
  proxy_set_tick_period_milliseconds: "i",
  proxy_get_status: "oB",
  proxy_done: "",
  proxy_set_effective_context: "i",
  proxy_get_buffer_bytes: "iiiB",
  proxy_get_buffer_status: "ioo",
  proxy_set_buffer_bytes: "iiib",
  proxy_get_header_map_size: "io",
  proxy_get_header_map_pairs: "iB",
  proxy_set_header_map_pairs: "ib",
  proxy_get_header_map_value: "ibB",
  proxy_add_header_map_value: "ibb",
  proxy_replace_header_map_value: "ibb",
  proxy_remove_header_map_value: "ib",
  proxy_continue_stream: "i",
  proxy_close_stream: "i",
  proxy_send_local_response: "ibbbi",
  proxy_http_call: "bbbbio",
  proxy_grpc_call: "bbbbbio",
  proxy_grpc_stream: "bbbbo",
  proxy_grpc_send: "ibi",
  proxy_grpc_cancel: "i",
  proxy_grpc_close: "i",
  proxy_get_shared_data: "bBo",
  proxy_set_shared_data: "bbi",
  proxy_register_shared_queue: "bo",
  proxy_resolve_shared_queue: "bbo",
  proxy_enqueue_shared_queue: "ib",
  proxy_dequeue_shared_queue: "iB",
  proxy_define_metric: "ibo",
  proxy_record_metric: "il",
  proxy_increment_metric: "il",
  proxy_get_metric: "iO",
  proxy_get_property: "bB",
  proxy_set_property: "bb",
  proxy_call_foreign_function: "bbB",
  proxy_continue_request: "",
  proxy_continue_response: "",
  proxy_clear_route_cache: "",
  proxy_get_configuration: "B",
  envoy_resolve_dns: "bo",
};
/** What compilers import besides; no world needs them. */
const COMPILER_FUNCTIONS: Readonly<Record<string, string>> = {
  abort: "(param i32 i32 i32 i32) unreachable",
  emscripten_notify_memory_growth: "(param i32)",
  pthread_equal: "(param i32 i32) (result i32) (i32.eq (local.get 0) (local.get 1))",
};

/** @throws ProblemError that names an import nobody offers */
export function adaptersFor(info: ModuleInfo, file: string): readonly Adapter[] {
  const imports = info.imports.filter(({ kind }) => kind === "func");
  const env = imports.filter(({ module }) => module === "env").map(({ name }) => name);
  for (const { module, name } of imports) {
    const known =
      module === "env"
        ? Object.hasOwn(HOST_FUNCTIONS, name) || Object.hasOwn(COMPILER_FUNCTIONS, name)
        : WASI_MODULES.includes(module) && WASI_FUNCTIONS.has(name);
    if (known) continue;
    const hint =
      "a wrapped module may import proxy_* of module env, and clock, randomness and outputs of WASI preview 1";
    throw problemError("abi", "unknown_import", `${file} imports ${module}.${name}, which the world has no word for`, {
      hint,
    });
  }
  const allocator = info.allocator ?? "proxy_on_memory_allocate";
  const wasi = WASI_MODULES.flatMap((module): Adapter[] => {
    const used = imports.filter((each) => each.module === module);
    if (used.length === 0) return [];
    const wat = wrapModule(allocator, used.map(wasiFunction).join("\n"));
    return [{ name: module, wat, world: { wit: WIT, name: "outputs" } }];
  });
  const functions = env.map((name) => hostFunction(name)).join("\n");
  const main = wrapModule(allocator, `${functions}\n${callbackFunctions(info)}`);
  return [{ name: "env", wat: main, world: { wit: WIT, name: "filter" } }, ...wasi];
}

const WIT_TYPES: Readonly<Record<string, string>> = {
  i: "u32",
  o: "u32",
  l: "u64",
  O: "u64",
  b: "list<u8>",
  B: "list<u8>",
};

function witOf([name, kinds]: [string, string]): string {
  const params = [...kinds].filter(isIn).map((kind, at) => `a${at}: ${WIT_TYPES[kind]}`);
  const outs = [...kinds].filter((kind) => !isIn(kind)).map((kind) => WIT_TYPES[kind]);
  const result = outs.length === 0 ? "u32" : `tuple<u32, ${outs.join(", ")}>`;
  return `  ${kebab(name)}: func(${params.join(", ")}) -> ${result};`;
}

const ENTRIES = Object.entries(CALLBACKS).flatMap(([name, [type = ""]]): [string, number, boolean][] => {
  if (!/^proxy_(on_(?!memory)|validate)/.test(name)) return [];
  const params = /^\((.*?)\)/.exec(type)?.[1] ?? "";
  return [[name, params === "" ? 0 : params.split(",").length, type.endsWith("-> i32")]];
});

function witOfCallback([name, params, answers]: [string, number, boolean]): string {
  const list = Array.from({ length: params }, (_, at) => `a${at}: u32`).join(", ");
  return `  ${kebab(name)}: func(${list})${answers ? " -> u32" : ""};`;
}

/** The world of wrapped modules: every host function and every callback of the ABI, bytes as bytes. */
export const WIT = `// proxy-wasm ${VERSION} as a component world: one function per host function and callback. Generated.
package ${PACKAGE}@${VERSION};

interface host {
${Object.entries(HOST_FUNCTIONS).map(witOf).join("\n")}
  /// What WASI's random_get is made of.
  random: func(size: u32) -> list<u8>;
}

/// The module's callbacks; those it does not have answer as if it had nothing to say.
interface callbacks {
${ENTRIES.map(witOfCallback).join("\n")}
}

world filter {
  import host;
  export callbacks;
}

/// What a module imports besides, made of the same host.
world outputs {
  import host;
}
`;

/** A module around functions that use the main module's memory; values for it come from its own allocator. */
function wrapModule(allocator: string, functions: string): string {
  const imported = [...functions.matchAll(/;;import (.*)$/gm)].map(([, text]) => text);
  const realloc = (name: string): string =>
    `(func (export "${name}") (param i32 i32 i32 i32) (result i32)
      (if (result i32) (i32.eqz (local.get 3)) (then (local.get 2)) (else (call $alloc (local.get 3)))))`;
  return `(module
  (import "env" "memory" (memory 0))
  (import "__main_module__" "${allocator}" (func $alloc (param i32) (result i32)))
  ${[...new Set(imported)].join("\n  ")}
  (global $ret (mut i32) (i32.const 0))
  (func $area (if (i32.eqz (global.get $ret)) (then (global.set $ret (call $alloc (i32.const 64))))))
  ${realloc("cabi_import_realloc")}
  ${realloc("cabi_realloc")}
  ${functions}
)`;
}

function hostFunction(name: string): string {
  const compiler = COMPILER_FUNCTIONS[name];
  if (compiler !== undefined) return `(func (export "${name}") ${compiler})`;
  const kinds = HOST_FUNCTIONS[name] ?? "";
  const params: string[] = [];
  const given: string[] = [];
  const stores: string[] = [];
  let offset = 4;
  for (const kind of kinds) {
    const first = params.length;
    params.push(kind === "l" ? "i64" : "i32");
    if (kind === "b" || kind === "B") params.push("i32");
    if (isIn(kind)) for (let at = first; at < params.length; at++) given.push(`(local.get ${at})`);
    else offset = storeOut(stores, { kind, first, offset });
  }
  const head = `${importLine(name, kinds)}\n(func (export "${name}") (param ${params.join(" ")}) (result i32)`;
  if (stores.length === 0) return `${head} (call $h_${name} ${given.join(" ")}))`;
  // proxy_call_foreign_function writes its answer whatever the status.
  const when = name === "proxy_call_foreign_function" ? "(i32.ne (local.get 4) (i32.const 0))" : OK;
  return `${head} (call $area) (call $h_${name} ${given.join(" ")} (global.get $ret))
    (if ${when} (then ${stores.join("\n")})) (i32.load (global.get $ret)))`;
}

const OK = "(i32.eqz (i32.load (global.get $ret)))";

/** Copies one output of the tuple in the return area to where the module wants it. Answers the offset of the next. */
function storeOut(stores: string[], { kind, first, offset }: { kind: string; first: number; offset: number }): number {
  const load = (at: number): string => `(i32.load offset=${at} (global.get $ret))`;
  if (kind === "O") {
    const at = (offset + 7) & ~7;
    stores.push(`(i64.store (local.get ${first}) (i64.load offset=${at} (global.get $ret)))`);
    return at + 8;
  }
  if (kind === "o") {
    stores.push(`(i32.store (local.get ${first}) ${load(offset)})`);
    return offset + 4;
  }
  // An empty value has no address.
  const address = `(select ${load(offset)} (i32.const 0) ${load(offset + 4)})`;
  stores.push(
    `(i32.store (local.get ${first}) ${address})`,
    `(i32.store (local.get ${first + 1}) ${load(offset + 4)})`,
  );
  return offset + 8;
}

function callbackFunctions({ exports }: ModuleInfo): string {
  return ENTRIES.map(([name, params, answers]) => {
    const head = `(func (export "${PACKAGE}/callbacks@${VERSION}#${kebab(name)}") (param${" i32".repeat(params)})${answers ? " (result i32)" : ""}`;
    const own = exports.find((each) => each.name === name && each.kind === "func");
    const taken = own?.type?.params.length;
    // Nothing to say: accept, be done, continue.
    const silence = /vm_start|configur|on_done/.test(name) ? "(i32.const 1)" : "(i32.const 0)";
    if (taken === undefined) return `${head} ${answers ? silence : ""})`;
    const given = Array.from({ length: taken }, (_, at) => `(local.get ${at})`).join(" ");
    const type = `(param${" i32".repeat(taken)})${answers ? " (result i32)" : ""}`;
    return `;;import (import "__main_module__" "${name}" (func $m_${name} ${type}))\n${head} (call $m_${name} ${given}))`;
  }).join("\n");
}
