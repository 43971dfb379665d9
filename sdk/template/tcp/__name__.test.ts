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

test("a connection that begins with the preface passes, however it is cut", async () => {
  const h = await start({ preface: "HELLO\n" });
  h.chunkings("HELLO\nworld", (chunks) => {
    const c = h.connect();
    for (const chunk of chunks) c.fromClient(chunk);
    c.end();
    return c.toUpstream.text;
  });
  expect(h).toHaveNoLeaks();
});

test("another one is told why it is closed", async () => {
  const h = await start({ preface: "HELLO\n" });
  const c = h.connect().fromClient("GET / HTTP/1.1\r\n");
  expect([c.state, c.toUpstream.text]).toEqual(["closed", ""]);
  c.end();
  expect(h).toHaveMetric("connections_refused", 1);
});

test("a client that sends too much is cut off", async () => {
  const h = await start({ maxBytes: "8B" });
  const c = h.connect().fromClient("12345678");
  expect(c.state).toBe("open");
  expect(c.fromClient("9").state).toBe("closed");
  c.end();
});
