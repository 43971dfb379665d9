// The battery of malformed requests on a real socket, with an upstream that writes down what reaches it.
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { PIPELINE_VECTORS, REQUEST_VECTORS, TRUNCATED_VECTORS } from "./request-vectors.ts";
import { route, startProxy, type TestProxy } from "../../support/proxy.ts";
import { dial, exchange, expectNoSockets, fixedUpstream, OK, type RawUpstream } from "../../support/wire.ts";

const POISON = "GET /poison HTTP/1.1\r\nHost: a\r\n\r\n";
const refused = REQUEST_VECTORS.filter(({ status }) => status !== 0);
const accepted = REQUEST_VECTORS.filter(({ status }) => status === 0);

describe("malformed requests", () => {
  let upstream: RawUpstream;
  let proxy: TestProxy;

  beforeAll(async () => {
    upstream = await fixedUpstream(OK);
    proxy = await startProxy({
      upstreams: [upstream.port],
      routes: [route({ match: { prefix: "", headers: [] } })],
    });
  });
  afterAll(async () => {
    await proxy[Symbol.asyncDispose]();
    await upstream[Symbol.asyncDispose]();
    await expectNoSockets();
  });

  test.each(refused)("$name -> $status, closed, and nothing of it reaches the upstream", async ({ text, status }) => {
    const before = upstream.received().length;
    const answer = await exchange(proxy.port, text + POISON);
    const seen = upstream.received().slice(before);
    const inBody = text.includes("chunked\r\n\r\n") && seen !== "";
    if (inBody) {
      // The upstream may have answered before the error came; what it saw must not be a complete request.
      expect(seen).not.toMatch(/\r\n0\r\n(?:.*\r\n)*\r\n$/);
      expect(answer === "" || /^HTTP\/1\.1 (?:400|431|200) /.test(answer)).toBe(true);
    } else {
      expect(seen).toBe("");
      expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
      expect(answer).toContain("connection: close\r\n");
    }
    expect(seen).not.toContain("poison");
    expect(answer.match(/HTTP\/1\.1 \d{3} /g)?.length ?? 0).toBeLessThanOrEqual(1);
  });

  test.each(accepted)("$name is carried", async ({ text }) => {
    const client = await dial(proxy.port);
    client.send(text);
    await client.waitFor("\r\n\r\nok");
    expect(client.text).toMatch(/^HTTP\/1\.1 200 OK\r\n/);
    client.socket.destroy();
  });

  test.each(PIPELINE_VECTORS)("$name -> $statuses, and the end", async ({ text, statuses }) => {
    const answer = await exchange(proxy.port, text);
    expect([...answer.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))).toEqual(statuses);
    expect(answer.match(/connection: close\r\n/g)).toHaveLength(1);
  });

  test.each(TRUNCATED_VECTORS)("$name, then FIN -> $status, and nothing whole upstream", async ({ text, status }) => {
    const before = upstream.received().length;
    const client = await dial(proxy.port, { allowHalfOpen: true });
    client.socket.end(text, "latin1");
    const answer = await client.waitForEnd();
    client.socket.destroy();
    // The toy upstream answers heads without waiting for bodies; its answer may have come first.
    if (status === 0) expect(answer).toBe("");
    else expect(answer).toMatch(new RegExp(`^(?:$|HTTP/1\\.1 (?:${status}|200) )`));
    expect(upstream.received().slice(before)).not.toMatch(/\r\n0\r\n(?:.*\r\n)*\r\n$/);
  });

  test("every refusal is counted by its reason", () => {
    expect(proxy.metric("sluice_http_rejected_total", { reason: "duplicate_host" })).toBeGreaterThan(0);
    expect(proxy.metric("sluice_http_rejected_total")).toBeGreaterThanOrEqual(refused.length);
  });

  test("the proxy still serves", async () => {
    expect(await exchange(proxy.port, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).toContain("200 OK");
  });
});
