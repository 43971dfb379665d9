import "@sluice/sdk/testing/vitest";
import { type Harness, harness } from "@sluice/sdk/testing";
import { afterEach, expect, test } from "vitest";

const running: Harness[] = [];
afterEach(() => {
  for (const h of running.splice(0)) h.close();
});
async function start(config: object = {}): Promise<Harness> {
  const h = await harness("filters/__name__", { config });
  running.push(h);
  return h;
}
const request = { path: "/orders", headers: { authorization: "Bearer t", "x-user": "root" } };

test("a request waits for the verdict, and goes on with the user's name", async () => {
  const h = await start();
  h.upstream("auth").on("GET /verify", { headers: { "x-user": "alice" }, delayMs: 30 });
  const x = h.request(request);
  expect(x).toPause();
  h.clock.advance(30);
  expect(x).toContinue();
  expect(x.upstreamRequest).toHaveHeader("x-user", "alice");
  expect(h).toHaveCalled("auth", { path: "/verify", headers: { authorization: "Bearer t" } });
  x.respond().end();
});

test("a refused one is answered here", async () => {
  const h = await start();
  h.upstream("auth").on("GET /verify", { status: 401 });
  const x = h.request(request);
  h.clock.advance(0);
  expect(x).toHaveReplied(403, "forbidden\n");
  x.end();
});

test("a service that does not answer in time is a 503", async () => {
  const h = await start({ timeout: "100ms" });
  h.upstream("auth").on("GET /verify", { delayMs: 5000 });
  const x = h.request(request);
  h.clock.advance(100);
  expect(x).toHaveReplied(503);
  x.end();
  expect(h).toHaveNoLeaks();
});
