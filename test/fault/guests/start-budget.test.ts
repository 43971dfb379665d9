// A guest that behaves for the canary alone: on a data thread its start-up has twice what the canary used, and a million
// points more, not the half second that any start-up may take (reliability.md 2.4).
import { afterEach, describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { Canary } from "../../../host/control/canary.ts";
import { prepareModule } from "../../../host/module/prepare.ts";
import { DEFAULT_LIMITS } from "../../../host/plugin/defaults.ts";
import { Generation, type GenerationSpec } from "../../../host/plugin/generation.ts";
import { privateState } from "../../../host/plugin/private-state.ts";
import type { FaultReport } from "../../../host/plugin/services.ts";
import { at, hostile } from "../../support/hostile.ts";
import { withNonce } from "../../support/modules.ts";
import { startProxy, type TestProxy } from "../../support/sluice.ts";

/** Takes some three points a pass. */
const passes = (count: number): string => `(local $i i32) (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (br_if $l (i32.lt_u (local.get $i) (i32.const ${count}))))`;
const limits = { ...DEFAULT_LIMITS, memoryBytes: 4 * 1024 * 1024, fuel: 10_000_000 };
const SPEC: GenerationSpec = {
  key: "f@v1:1",
  sha256: "",
  semver: "",
  version: "v1",
  overrides: {},
  configs: [""],
  options: {
    name: "f",
    source: "f.wasm",
    sha256: "",
    phase: "",
    priority: 0,
    failurePolicy: "FAIL_CLOSED",
    failurePolicies: {},
    quarantine: { faults: 3, windowMs: 60_000 },
    limits,
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
const moduleOf = (wasm: Uint8Array): WebAssembly.Module =>
  prepareModule(wasm, { name: "f", memoryBytes: limits.memoryBytes, fuel: 500_000_000 }).module;

function start(wasm: Uint8Array, spec: Partial<GenerationSpec>): { readonly points: number; readonly ended: string } {
  const faults: FaultReport[] = [];
  try {
    const generation = new Generation({ ...SPEC, ...spec }, moduleOf(wasm), {
      clock: new VirtualClock(),
      random: seededRandom(1),
      ...privateState(() => {}),
      callouts: { hasCluster: () => true, send: () => ({ cancel: () => {} }) },
      grpc: { hasCluster: () => true, start: () => ({ send: () => true, close: () => {}, cancel: () => {} }) },
      logLevel: () => 5,
      log: () => {},
      faulted: (report) => void faults.push(report),
    });
    return { points: generation.startUse, ended: "" };
  } catch {
    const fault = faults[0]?.fault;
    return { points: fault?.fuel ?? 0, ended: `${fault?.reason} in ${fault?.callback}` };
  }
}

describe("a limit of its own for the start-up", () => {
  test.each(["proxy_on_configure", "proxy_on_vm_start", "proxy_on_context_create", "_initialize"])("%s", (moment) => {
    const isOwn = moment === "_initialize";
    const more = isOwn ? '(func (export "_initialize") (call $deed))' : "";
    const wasm = hostile({ does: passes(20_000_000), more }, isOwn ? "" : moment);
    const free = start(wasm, {});
    expect(free.ended).toBe("");
    expect(free.points).toBeGreaterThan(20_000_000);
    const limited = start(wasm, { startFuel: 1_000_000 });
    expect(limited.ended).toBe(`fuel in ${moment}`);
    expect(limited.points).toBeLessThanOrEqual(1_000_000);
    expect(start(wasm, { startFuel: free.points }).ended).toBe("");
  });

  test("is not that of callbacks, nor of configurations of routes, which no canary has seen", () => {
    const wasm = hostile(
      {
        does: `(local $i i32) (if (global.get $twice) (then ${passes(5_000_000).replace("(local $i i32)", "")})) (global.set $twice (i32.const 1))`,
        more: "(global $twice (mut i32) (i32.const 0))",
      },
      "proxy_on_configure",
    );
    expect(start(wasm, { startFuel: 1_000_000, configs: ["", "other"] })).toEqual({
      points: expect.any(Number),
      ended: "",
    });
  });
});

test("the canary says what the start-up used", async () => {
  const canary = new Canary(new VirtualClock());
  const used = await canary.check(
    { ...SPEC, moduleKey: "m" },
    moduleOf(hostile({ does: passes(1_000_000) }, "proxy_on_configure")),
  );
  await canary.close();
  expect(used).toBeGreaterThan(1_000_000);
  expect(used).toBeLessThan(10_000_000);
});

describe("on a running proxy", () => {
  let proxy: TestProxy | null = null;
  afterEach(async () => {
    await proxy?.stop();
    proxy = null;
  });

  test("a guest that is slow only where the canary is not is refused, and the old version serves on", async () => {
    // Shared data is thrown away after the canary: the second version finds what the first has left on the data threads.
    const wasm = hostile(
      {
        does: `(local $i i32)
          (if (call $get_shared_data ${at("x-a")} (i32.const 300) (i32.const 304) (i32.const 308))
            (then (drop (call $set_shared_data ${at("x-a")} ${at("x-a")} (i32.const 0))))
            (else ${passes(20_000_000).replace("(local $i i32)", "")}))`,
      },
      "proxy_on_configure",
    );
    proxy = await startProxy({
      chain: ["f"],
      workers: 1,
      files: { "f.wasm": wasm },
      config: { filters: [{ name: "f", source: "./f.wasm" }] },
    });
    await expect(proxy.control.upload("f", withNonce(wasm, 1), { swap: true })).rejects.toThrow(
      /proxy_on_configure ended with fuel/,
    );
    expect((await proxy.control.filters())[0]?.version).toBe("v1");
  });
});
