import "@sluice/sdk/testing/vitest";
import { type Harness, harness, refusalOf } from "@sluice/sdk/testing";
import { afterEach, expect, test } from "vitest";

const FILTER = "filters/__name__";
const running: Harness[] = [];
afterEach(() => {
  for (const h of running.splice(0)) h.close();
});
async function start(config: object = {}): Promise<Harness> {
  const h = await harness(FILTER, { config });
  running.push(h);
  return h;
}

test("every request gets the header", async () => {
  const h = await start({ value: "hello" });
  const x = h.request({ path: "/orders" });
  expect(x).toContinue();
  expect(x.upstreamRequest).toHaveHeader("x-__name__", "hello");
  x.respond().end();
});

test("every response names the filter", async () => {
  const h = await start();
  const x = h.request().respond({ status: 200, body: "hi" }).end();
  expect(x.response).toHaveHeader("x-filtered-by", "__name__");
  expect(h).toHaveNoLeaks();
});

test("a header without a name is refused", async () => {
  expect(await refusalOf(FILTER, { header: "" })).toContain("header must not be empty");
});
