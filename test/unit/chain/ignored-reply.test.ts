// Local replies that nobody can be given: OK and no effect, a warning once, and counted (abi.md 5.4).
import { afterEach, expect, test } from "vitest";
import { Asker } from "../../support/asker.ts";

let asker: Asker | null = null;
afterEach(() => {
  asker?.close();
  asker = null;
});

const warnings = (a: Asker): string[] =>
  a.harness.logs.filter(({ level }) => level === 3).map(({ message }) => message);

test.each([
  ["x-do-log", "when the stream is over"],
  ["x-do-response-body", "when the response has left"],
])("%s: %s", async (when) => {
  const ignored: string[] = [];
  asker = await Asker.start({ replyIgnored: (filter) => void ignored.push(filter) });
  for (let round = 0; round < 2; round++) {
    const exchange = asker.harness.request({ headers: { [when]: "reply 403" } });
    exchange.respond({ body: "hello" }).end();
    expect(exchange.response).toMatchObject({ status: 200, body: "hello" });
  }
  expect(ignored).toEqual(["asker", "asker"]);
  expect(warnings(asker)).toEqual([
    "proxy_send_local_response ignored: the response has left already, or the stream is over",
  ]);
});

test("from a plugin context without a stream", async () => {
  const ignored: string[] = [];
  asker = await Asker.start({
    filter: { config: { run: "reply 403; call sluice.explain" } },
    replyIgnored: (filter) => void ignored.push(filter),
  });
  expect(ignored).toEqual(["asker"]);
  const [reply, explained] = asker.answers();
  expect(reply?.status).toBe(0);
  expect(explained?.bytes.toString()).toBe("ignored: a plugin context has no stream to answer");
});

test("a reply to a reply: the first one goes out", async () => {
  const ignored: string[] = [];
  asker = await Asker.start({ replyIgnored: (filter) => void ignored.push(filter) });
  const exchange = asker.harness.request({ headers: { "x-do": "reply 403", "x-do-response": "reply 500" } });
  exchange.end();
  expect(exchange.response?.status).toBe(403);
  expect(ignored).toEqual(["asker"]);
});

test("a reply in time is not counted", async () => {
  const ignored: string[] = [];
  asker = await Asker.start({ replyIgnored: (filter) => void ignored.push(filter) });
  const exchange = asker.harness.request({ headers: { "x-do": "reply 403" } });
  exchange.end();
  expect([exchange.response?.status, ignored]).toEqual([403, []]);
});
