// Some of the hostile battery on a real data plane: real threads, sockets and reloads. A route that the hostile filter is
// not on must never notice.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { hostile } from "../../support/hostile.ts";
import { startProxy, type TestProxy } from "../../support/sluice.ts";
import { DEEDS } from "./deeds.ts";

const CHOSEN = [
  "an endless loop",
  "a loop around fills",
  "a storm of host calls",
  "exponential recursion",
  "endless recursion",
  "all memory, then a trap",
  "an allocator that traps",
  "leaving through proc_exit and catching it",
  "line breaks in header values",
  "two local replies",
  "closing everything",
  "a queue that feeds itself",
  "a tick without pause",
  "ten thousand call-outs",
];
const MOMENTS = [
  "proxy_on_request_headers",
  "proxy_on_response_headers",
  "proxy_on_tick",
  "proxy_on_log",
  "proxy_on_delete",
];

describe("on a running proxy", () => {
  let proxy: TestProxy;
  beforeAll(async () => {
    proxy = await startProxy({
      chain: ["f"],
      workers: 1,
      files: { "f.wasm": hostile({}, "") },
      listener: {
        routes: [
          { name: "plain", match: { prefix: "/plain" }, route: { cluster: "web" }, filters: { disable: ["f"] } },
          { name: "all", match: { prefix: "/" }, route: { cluster: "web" } },
        ],
      },
      config: {
        filters: [
          {
            name: "f",
            source: "./f.wasm",
            failurePolicy: "FAIL_OPEN",
            quarantine: { faults: 0 },
            limits: { fuel: "1M", memory: "4MiB" },
          },
        ],
      },
    });
  });
  afterAll(() => proxy.stop());

  test.each(CHOSEN)("%s, in five callbacks", async (name) => {
    const deed = DEEDS.find((one) => one.name === name)!;
    for (const moment of MOMENTS) {
      const { swap } = await proxy.control.upload("f", hostile(deed, moment), { swap: true });
      expect(swap?.to).toMatch(/^v\d+$/);
      for (let round = 0; round < 3; round++) {
        const [hit, plain] = await Promise.all([proxy.get("/").catch(() => null), proxy.get("/plain")]);
        expect(plain.status).toBe(200);
        if (hit !== null) expect([200, 418, 503]).toContain(hit.status);
        if (hit !== null) expect(hit.headers).not.toHaveProperty("x-injected");
      }
    }
    expect(proxy.events.filter(({ type }) => type === "thread")).toEqual([]);
  });
});
