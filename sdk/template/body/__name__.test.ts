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

test("the word is replaced wherever a chunk ends", async () => {
  const h = await start();
  const results = h.chunkings("one secret, two secrets", (chunks) => {
    const x = h.request();
    x.respondInChunks(chunks, { headers: { "content-type": "text/plain", "content-length": "23" } }).end();
    expect(x.response?.header("content-length")).toBeUndefined();
    return x.response?.body;
  });
  expect(results).toBe("one ***, two ***s");
});

test("other types pass as they are", async () => {
  const h = await start();
  const x = h
    .request()
    .respond({ headers: { "content-type": "image/png" }, body: "secret" })
    .end();
  expect(x.response?.body).toBe("secret");
});

test("an empty word is refused", async () => {
  expect(await refusalOf(FILTER, { word: "" })).toContain("word must not be empty");
});
