import { expect, test } from "vitest";
import { callFilter } from "../../../host/testing/call.ts";
import { probeModule } from "../../support/probe.ts";

const base = { pluginConfig: "", method: "GET", path: "/", headers: [], body: null } as const;

test("a simulated request tells its callbacks and host calls in words", async () => {
  const result = callFilter({
    ...base,
    wasm: await probeModule(),
    headers: [["X-Probe", "upper"]],
    body: Buffer.from("hi"),
  });
  const headers = result.phases.find((phase) => phase.name === "proxy_on_request_headers");
  expect(headers).toMatchObject({ action: "continue" });
  expect(headers?.hostCalls).toContain('get_header_map_value(http_request_headers, "x-probe") = OK "upper"');
  const body = result.phases.find((phase) => phase.name === "proxy_on_request_body");
  expect(body?.hostCalls).toEqual([
    'get_buffer_bytes(http_request_body, 0, 2) = OK "hi"',
    'set_buffer_bytes(http_request_body, 0, 2, "HI") = OK',
  ]);
  expect(result).toMatchObject({ status: 200, isLocalReply: false });
});

test("a reply of the filter, a delay and a trap are told apart", async () => {
  const wasm = await probeModule();
  expect(callFilter({ ...base, wasm, headers: [["x-probe", "reply:418"]] })).toMatchObject({
    status: 418,
    isLocalReply: true,
  });
  expect(callFilter({ ...base, wasm, headers: [["x-probe", "delay:200"]] })).toMatchObject({ status: 200 });
  const trapped = callFilter({ ...base, wasm, headers: [["x-probe", "trap"]] });
  expect(trapped.status).toBe(503);
  expect(trapped.phases.find((phase) => phase.name === "proxy_on_request_headers")?.action).toBe("fault");
});
