import { expect, test } from "vitest";
import * as status from "../../../sdk/assembly/abi/status.ts";
import { VirtualClock } from "../../../host/base/clock.ts";
import { callForeign } from "../../../host/plugin/foreign/table.ts";
import { HandOver } from "../../../host/plugin/hand-over.ts";
import type { FilterOptions } from "../../../host/plugin/options.ts";
import { privateState } from "../../../host/plugin/private-state.ts";
import type { PluginServices } from "../../../host/plugin/services.ts";

const clock = new VirtualClock();
const services = { ...privateState(() => {}), clock } as unknown as PluginServices;
const context = {
  plugin: {
    services,
    options: { vmId: "vm", bufferLimitBytes: 1000 } as FilterOptions,
    declared: null,
    handOver: new HandOver(),
  },
  stream: null,
  refusal: "",
  debugging: true,
};

test.each([
  ["sluice.gcra", 20],
  ["sluice.counter_add", 8],
])("%s refuses a key that is too long instead of throwing", (name, head) => {
  const args = (keyBytes: number): Buffer => {
    const bytes = Buffer.alloc(head + keyBytes, "k");
    bytes.fill(1, 0, head);
    return bytes;
  };
  expect(callForeign(context, name, args(1024)).status).toBe(status.OK);
  expect(callForeign(context, name, args(1025)).status).toBe(status.INTERNAL_FAILURE);
});
