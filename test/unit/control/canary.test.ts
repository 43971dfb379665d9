// The canary on its real thread: what it lets pass, what it refuses, and that a trial which never ends does not hold it up.
import { afterEach, beforeEach, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { Canary } from "../../../host/control/canary.ts";
import type { GenerationMessage } from "../../../host/link/messages.ts";
import { DEFAULT_LIMITS } from "../../../host/plugin/defaults.ts";
import { filterWat, wat } from "../module/build.ts";

let clock: VirtualClock;
let canary: Canary;
beforeEach(() => {
  clock = new VirtualClock(0);
  canary = new Canary(clock);
});
afterEach(() => canary.close());

const GENERATION: GenerationMessage = {
  key: "f@v1:1",
  moduleKey: "m",
  sha256: "0".repeat(64),
  version: "v1",
  semver: "",
  overrides: {},
  options: {
    name: "f",
    source: "f.wasm",
    sha256: "",
    phase: "",
    priority: 0,
    failurePolicy: "FAIL_CLOSED",
    failurePolicies: {},
    quarantine: { faults: 3, windowMs: 60_000 },
    limits: { ...DEFAULT_LIMITS, memoryBytes: 1 << 20, fuel: null },
    allowedCapabilities: null,
    allowedProperties: null,
    allowedForeignFunctions: null,
    allowedNamespaces: null,
    allowedUpstreams: null,
    rootId: "",
    vmId: "f",
    vmConfig: "",
    environment: {},
    pauseTimeoutMs: 0,
    bufferLimitBytes: 1024,
    pluginConfig: "",
  },
};

const check = (more: string): Promise<number> => canary.check(GENERATION, new WebAssembly.Module(wat(filterWat(more))));

/** Lets virtual time pass in small steps until `trial` has ended. */
async function settled(trial: Promise<number>): Promise<{ readonly afterMs: number; readonly message: string }> {
  const ends: { afterMs: number; message: string }[] = [];
  const end = (message: string): void => void ends.push({ afterMs: clock.monotonicMs(), message });
  void trial.then(
    () => end(""),
    (error: Error) => end(error.message),
  );
  while (ends.length === 0) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    clock.advance(20);
  }
  return ends[0]!;
}

test("a filter that starts and takes its configuration passes, again and again", async () => {
  await check("");
  await check(`(func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 1))`);
});

test("a refused configuration is the filter's refusal", async () => {
  const refused = check(`(func (export "proxy_on_configure") (param i32 i32) (result i32) (i32.const 0))`);
  await expect(refused).rejects.toThrow(/proxy_on_configure refused the configuration/);
});

test("a trial finds nothing of what an earlier one left", async () => {
  const state = `(import "env" "proxy_get_shared_data" (func $get (param i32 i32 i32 i32 i32) (result i32)))
    (import "env" "proxy_set_shared_data" (func $set (param i32 i32 i32 i32 i32) (result i32)))`;
  const refusesWhatItFinds = `(func (export "proxy_on_configure") (param i32 i32) (result i32)
    (if (i32.eqz (call $get (i32.const 8) (i32.const 1) (i32.const 16) (i32.const 20) (i32.const 24)))
      (then (return (i32.const 0))))
    (i32.eqz (call $set (i32.const 8) (i32.const 1) (i32.const 8) (i32.const 1) (i32.const 0))))`;
  const text = filterWat(refusesWhatItFinds, `${state} (memory (export "memory") 1)`);
  const module = new WebAssembly.Module(wat(text));
  await canary.check(GENERATION, module);
  await canary.check(GENERATION, module);
});

test("a start that never ends is given up, and the next trial gets a new thread", async () => {
  await check("");
  const endless = await settled(check(`(func (export "_initialize") (loop $l (br $l)))`));
  expect(endless.message).toMatch(/start-up and configuration took longer than 2000 ms/);
  expect(endless.afterMs).toBeGreaterThanOrEqual(2000);
  expect(endless.afterMs).toBeLessThan(10_000);
  await check("");
});
