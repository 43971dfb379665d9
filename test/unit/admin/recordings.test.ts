// Routes of recordings: what they pass on, what they refuse, what is audited.
import { describe, expect, test } from "vitest";
import { RECORDING_ROUTES } from "../../../host/admin/routes-recordings.ts";
import type { AdminRequest } from "../../../host/admin/route.ts";
import type { Reply } from "../../../host/admin/reply.ts";
import { FakeControl } from "../../support/fake-control.ts";

async function ask(method: string, path: string, body: unknown = "", params: Record<string, string> = {}) {
  const control = new FakeControl();
  const route = RECORDING_ROUTES.find((one) => one.method === method && one.path === path);
  const bytes = Buffer.from(typeof body === "string" ? body : JSON.stringify(body));
  const request = { control, params, body: bytes, query: new URLSearchParams() } as unknown as AdminRequest;
  const reply = (await route?.handle(request)) as Reply;
  return { reply, calls: control.recordings.calls };
}
const ALL = "/api/v1/recordings";

describe("recordings", () => {
  test("a whole request", async () => {
    const body = { filter: "gray", percent: 5, seconds: 10, count: 7, bodies: "head:64", redact: false };
    const { reply, calls } = await ask("POST", ALL, body);
    expect(reply.status).toBe(201);
    const expected = { filter: "gray", percent: 5, forMs: 10_000, count: 7, bodies: { head: 64 }, redact: false };
    expect(calls).toEqual([["open", expected]]);
  });

  test("by default everything is picked, redacted, without bodies", async () => {
    const { calls } = await ask("POST", ALL, { filter: "gray" });
    expect(calls[0]?.[1]).toEqual({ filter: "gray", percent: 100, forMs: 0, count: 0, bodies: "off", redact: true });
  });

  test.each([
    [{}, "filter"],
    [{ filter: "gray", percent: 0 }, "percent"],
    [{ filter: "gray", percent: 101 }, "percent"],
    [{ filter: "gray", seconds: -1 }, "seconds"],
    [{ filter: "gray", bodies: "some" }, "bodies"],
    [{ filter: "gray", redact: "no" }, "redact"],
    [{ filter: "gray", for: 1 }, 'unknown key "for"'],
  ])("%j is refused", async (body, message) => {
    await expect(ask("POST", ALL, body)).rejects.toThrow(message);
  });

  test("reading one is audited, stopping goes by number", async () => {
    expect((await ask("GET", `${ALL}/{id}`, "", { id: "1" })).reply).toMatchObject({
      audited: true,
      type: "application/jsonl",
    });
    expect((await ask("POST", `${ALL}/{id}:stop`, "", { id: "3" })).calls).toEqual([["stop", 3]]);
    await expect(ask("GET", `${ALL}/{id}`, "", { id: "x" })).rejects.toThrow("a recording has a number");
  });
});
