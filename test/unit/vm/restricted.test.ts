// A guest that catches what ends it is ended all the same (decisions.md 4): during start-up, in its allocator, in a callback.
import binaryen from "assemblyscript/binaryen";
import { describe, expect, test } from "vitest";
import { Harness, ProblemError } from "../../../host/testing.ts";

interface Parts {
  readonly initialize?: string;
  readonly allocate?: string;
  readonly headers?: string;
}

/** `call` inside a try that catches everything. */
const caught = (call: string): string => `(try (do (drop ${call})) (catch_all))`;

function build({ initialize = "", allocate = "", headers = "" }: Parts): Uint8Array {
  const module = binaryen.parseText(`(module
    (import "env" "proxy_get_log_level" (func $level (param i32) (result i32)))
    (import "env" "proxy_get_header_map_value" (func $value (param i32 i32 i32 i32 i32) (result i32)))
    (import "wasi_snapshot_preview1" "random_get" (func $random (param i32 i32) (result i32)))
    (memory (export "memory") 1)
    (data (i32.const 64) ":path")
    (func (export "proxy_abi_version_0_2_1"))
    (func (export "_initialize") ${initialize})
    (func (export "proxy_on_memory_allocate") (param i32) (result i32) ${allocate} (i32.const 1024))
    (func (export "proxy_on_request_headers") (param i32 i32 i32) (result i32) ${headers} (i32.const 0)))`);
  module.setFeatures(binaryen.Features.ExceptionHandling | binaryen.Features.BulkMemory);
  const bytes = module.emitBinary();
  module.dispose();
  return bytes;
}

const LEVEL = "(call $level (i32.const 8))";
const RANDOM = "(call $random (i32.const 8) (i32.const 4))";
const PATH = "(call $value (i32.const 0) (i32.const 64) (i32.const 5) (i32.const 8) (i32.const 12))";

function faultOf(wasm: Uint8Array): string {
  const harness = new Harness([{ name: "filter", wasm, options: { failurePolicy: "FAIL_CLOSED" } }]);
  const exchange = harness.request();
  exchange.end();
  const { faults } = harness;
  harness.close();
  return faults[0]?.fault.reason ?? "none";
}

describe("a guest that catches exceptions", () => {
  test("does not get away with a forbidden call during start-up", () => {
    expect(() => faultOf(build({ initialize: caught(LEVEL) }))).toThrow(ProblemError);
  });

  test("nor in its allocator, where it catches it itself", () => {
    expect(faultOf(build({ allocate: caught(LEVEL), headers: `(drop ${PATH})` }))).toBe("restricted_callback");
  });

  test("nor in its allocator, where the callback catches it", () => {
    expect(faultOf(build({ allocate: `(drop ${LEVEL})`, headers: caught(PATH) }))).toBe("restricted_callback");
  });

  test("nor with a WASI call in its allocator", () => {
    expect(faultOf(build({ allocate: caught(RANDOM), headers: caught(PATH) }))).toBe("restricted_callback");
  });

  test("lives when nothing was forbidden", () => {
    expect(faultOf(build({ headers: caught(PATH) }))).toBe("none");
  });
});
