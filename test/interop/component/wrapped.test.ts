// Any proxy-wasm module as a component of the world sluice:proxy-wasm, run by jco alone: a host that knows nothing of sluice
// drives a filter through the world's functions.
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { componentizeProxyWasm } from "../../../host/module/component/componentize.ts";
import { WIT as WRAPPED_WIT } from "../../../host/module/component/proxy-wasm-adapter.ts";
import { wrappedModule } from "../../../host/module/component/wrapped.ts";
import { scriptOf } from "../../../host/module/component/prepare-component.ts";
import { readWorld } from "../../../host/module/component/world.ts";
import { compile, harness } from "../../../sdk/testing/index.ts";
import { newJco, parseWat, ROOT, WIT } from "../../support/components.ts";
import { guest } from "../../support/modules.ts";

const jco = newJco();
afterAll(() => jco.close());
const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString("latin1");
const bytes = (value: string): Uint8Array => new Uint8Array(Buffer.from(value, "latin1"));

type Callbacks = Record<string, (...args: number[]) => number>;
type Instantiate = (get: (name: string) => WebAssembly.Module, imports: object) => Record<string, unknown>;

/** A host of thirty lines: one request's headers, a configuration, a log. */
async function host(wasm: Uint8Array, config = "") {
  const component = await componentizeProxyWasm(wasm, { file: "x.wasm", wit: WIT, jco });
  const { glue, cores, wit } = await jco.transpile(component, "wrapped");
  const headers = new Map([[":path", "/a"]]);
  const logs: string[] = [];
  const known = {
    log: (_level: number, message: Uint8Array) => (logs.push(text(message)), 0),
    getLogLevel: () => [0, 2],
    getBufferBytes: (id: number) => (id === 7 ? [0, bytes(config)] : [1, bytes("")]),
    getHeaderMapValue: (_map: number, name: Uint8Array) => {
      const value = headers.get(text(name));
      return value === undefined ? [1, bytes("")] : [0, bytes(value)];
    },
    replaceHeaderMapValue: (_map: number, name: Uint8Array, value: Uint8Array) => {
      headers.set(text(name), text(value));
      return 0;
    },
    addHeaderMapValue: (_map: number, name: Uint8Array, value: Uint8Array) => {
      headers.set(text(name), text(value));
      return 0;
    },
    getCurrentTimeNanoseconds: () => [0, 5n],
    defineMetric: () => [0, 1],
    getProperty: () => [1, bytes("")],
    callForeignFunction: () => [1, bytes("")],
    getSharedData: () => [1, bytes(""), 0],
    random: (size: number) => new Uint8Array(size).fill(7),
  };
  const imports = new Proxy(known, {
    get: (target, name) => Reflect.get(target, name) ?? (() => 12),
  });
  const modules = new Map(cores.map(([name, core]) => [name, new WebAssembly.Module(new Uint8Array(core))]));
  const instantiate = new Function(scriptOf(glue))() as Instantiate;
  const all = { "sluice:proxy-wasm/host": imports, "sluice:proxy-wasm/host@0.2.1": imports };
  const exports = instantiate((name) => modules.get(name)!, all);
  const callbacks = (exports["callbacks"] ?? exports["sluice:proxy-wasm/callbacks@0.2.1"]) as Callbacks;
  return { callbacks, headers, logs, wit };
}

describe("a wrapped proxy-wasm module", () => {
  test("is run by sluice as what it is, byte for byte", async () => {
    const wasm = await guest("stamp");
    const component = await componentizeProxyWasm(wasm, { file: "x.wasm", wit: WIT, jco });
    expect(Buffer.from(wrappedModule(component)!).equals(Buffer.from(wasm))).toBe(true);
    const running = await harness(component, { config: { word: "one" } });
    expect(running.request().upstreamRequest?.list).toEqual(
      (await harness(wasm, { config: { word: "one" } })).request().upstreamRequest?.list,
    );
  });

  test("is not looked for in other components, nor in bytes that are none", async () => {
    const wasm = await guest("stamp");
    const component = await componentizeProxyWasm(wasm, { file: "x.wasm", wit: WIT, jco });
    expect(wrappedModule(wasm)).toBeNull();
    expect(wrappedModule(component.subarray(0, component.length - 9))).toBeNull();
    expect(
      wrappedModule(await parseWat(`(component (core module (func (export "proxy_abi_version_0_2_1"))))`)),
    ).toBeNull();
  });

  test("in AssemblyScript: starts, takes its configuration, and changes a header", async () => {
    const { callbacks, headers, wit } = await host(await guest("stamp"), '{"word":"one"}');
    expect(readWorld(wit)).toEqual({
      imports: [{ name: "sluice:proxy-wasm/host@0.2.1", type: "" }],
      exports: [{ name: "sluice:proxy-wasm/callbacks@0.2.1", type: "" }],
    });
    callbacks["onContextCreate"]!(1, 0);
    expect(callbacks["onVmStart"]!(1, 0)).toBe(1);
    expect(callbacks["onConfigure"]!(1, 14)).toBe(1);
    callbacks["onContextCreate"]!(2, 1);
    expect(callbacks["onRequestHeaders"]!(2, 1, 1)).toBe(0);
    expect(callbacks["onResponseHeaders"]!(2, 1, 1)).toBe(0);
    expect(headers.get("x-version")).toBe("one");
  }, 60_000);

  test.each(["fault", "gray", "header-mutation", "rate-limit"])(
    "%s of this repository can be wrapped and starts",
    async (name) => {
      const { callbacks } = await host(await compile(join(ROOT, "filters", name), "release"));
      callbacks["onContextCreate"]!(1, 0);
      expect(callbacks["onVmStart"]!(1, 0)).toBe(1);
      // What it does not export has nothing to say.
      expect(callbacks["onUpstreamData"]!(2, 0, 1)).toBe(0);
    },
    60_000,
  );

  test("with WASI: its output is a log line, its time and randomness are the host's", async () => {
    const wasm = await parseWat(`(module
      (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
      (import "wasi_snapshot_preview1" "clock_time_get" (func $time (param i32 i64 i32) (result i32)))
      (memory (export "memory") 1) (data (i32.const 64) "hello")
      (data (i32.const 16) "\\40\\00\\00\\00\\05\\00\\00\\00")
      (global $top (mut i32) (i32.const 4096))
      (func (export "malloc") (param i32) (result i32) (local i32)
        (local.set 1 (global.get $top)) (global.set $top (i32.add (global.get $top) (i32.and (i32.add (local.get 0) (i32.const 15)) (i32.const -8))))
        (local.get 1))
      (func (export "proxy_abi_version_0_2_1"))
      (func (export "proxy_on_tick") (param i32)
        (drop (call $random (i32.const 64) (i32.const 2)))
        (drop (call $time (i32.const 0) (i64.const 0) (i32.const 128)))
        (i32.store8 (i32.const 66) (i32.add (i32.load8_u (i32.const 128)) (i32.const 48)))
        (drop (call $write (i32.const 1) (i32.const 16) (i32.const 1) (i32.const 32)))))`);
    const { callbacks, logs } = await host(wasm);
    callbacks["onTick"]!(1);
    expect(logs).toEqual(["\x07\x075lo"]);
  }, 60_000);

  test("that imports what the world has no word for is refused by name", async () => {
    const wasm = await parseWat(`(module (import "env" "proxy_frobnicate" (func)) (memory (export "memory") 1)
      (func (export "malloc") (param i32) (result i32) local.get 0) (func (export "proxy_abi_version_0_2_1")))`);
    await expect(componentizeProxyWasm(wasm, { file: "x.wasm", wit: WIT, jco })).rejects.toThrow(
      "x.wasm imports env.proxy_frobnicate, which the world has no word for",
    );
  });

  test("sdk/wit has the text its world is made of", () => {
    expect(readFileSync(join(ROOT, "sdk/wit/sluice-proxy-wasm.wit"), "utf8")).toBe(WRAPPED_WIT);
  });
});
