// Ids of call-outs: guests keep all calls of a VM in one table, so no two contexts of a VM may give out the same.
import { beforeAll, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { prepareModule } from "../../../host/module/prepare.ts";
import { Generation } from "../../../host/plugin/generation.ts";
import { privateState } from "../../../host/plugin/private-state.ts";
import { DEFAULT_LIMITS } from "../../../host/plugin/defaults.ts";
import { guest } from "../../support/modules.ts";

let wasm: Uint8Array;
beforeAll(async () => {
  wasm = await guest("grpc");
});

test("two plugin contexts of one VM never give out the same id, whatever the kind", () => {
  const { module } = prepareModule(wasm, { name: "talk", memoryBytes: 16 * 1024 * 1024, fuel: null });
  const configs = ['{"version":"a"}', '{"version":"b"}'];
  const options = {
    name: "talk",
    source: "",
    sha256: "",
    phase: "",
    priority: 0,
    failurePolicy: "FAIL_CLOSED",
    failurePolicies: {},
    quarantine: { faults: 3, windowMs: 60_000 },
    limits: { ...DEFAULT_LIMITS, memoryBytes: 16 * 1024 * 1024, fuel: null },
    allowedCapabilities: null,
    allowedProperties: null,
    allowedForeignFunctions: null,
    allowedNamespaces: null,
    allowedUpstreams: null,
    rootId: "",
    vmId: "talk",
    vmConfig: "",
    environment: {},
    pauseTimeoutMs: 0,
    bufferLimitBytes: 1024,
    pluginConfig: configs[0]!,
  } as const;
  const spec = { options, version: "v1", configs, key: "k", sha256: "", semver: "", overrides: {} };
  const generation = new Generation(spec, module, {
    clock: new VirtualClock(),
    random: seededRandom(1),
    ...privateState(() => {}),
    callouts: { hasCluster: () => true, send: () => ({ cancel: () => {} }) },
    grpc: { hasCluster: () => true, start: () => ({ send: () => true, close: () => {}, cancel: () => {} }) },
    logLevel: () => 5,
    log: () => {},
    faulted: () => {},
  });
  const http = { upstream: "x", headers: [], body: Buffer.alloc(0), trailers: [], timeoutMs: 0 };
  const grpc = { upstream: "x", service: "a", method: "b", metadata: [], timeoutMs: 0 };
  const ids = configs.flatMap((config) => {
    const context = generation.context(config)!;
    return [
      context.httpCall(http),
      context.grpc.start({ ...grpc, message: Buffer.alloc(0) }, context.id),
      context.grpc.start({ ...grpc, message: null }, context.id),
    ];
  });
  expect(ids.map((id) => id & 3)).toEqual([0, 1, 2, 0, 1, 2]);
  expect(new Set(ids.map((id) => id >> 2)).size).toBe(6);
  generation.drain(0, () => {});
});
