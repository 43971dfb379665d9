import { describe, expect, test } from "vitest";
import { ProblemError } from "../../../host/base/problem.ts";
import { useBench } from "./support.ts";

const bench = useBench();

describe("the admin API", () => {
  test.each([
    ["evil.example", 403],
    ["127.0.0.1.evil.example:9901", 403],
    ["localhost.evil.example", 403],
    ["localhost.", 403],
    ["localhost:9901", 200],
    ["LOCALHOST", 200],
    ["127.0.0.1:1234", 200],
    ["[::1]:9901", 200],
  ])("asked by the name %j answers %i, so that a rebound name reaches nothing", async (host, status) => {
    await bench.current.start();
    expect((await bench.current.ask("/ready", { headers: { host } })).status).toBe(status);
  });

  test.each([
    ["http://evil.example", 403],
    ["null", 403],
    ["https://127.0.0.1:8080", 403],
    ["file://", 403],
    ["http://localhost:9901", 200],
  ])("asked from origin %s answers %i, reads and writes alike", async (origin, status) => {
    await bench.current.start();
    const headers = { host: "localhost:9901", origin };
    expect((await bench.current.ask("/ready", { headers })).status).toBe(status);
    expect((await bench.current.post("/logging?level=debug", undefined, headers)).status).toBe(status);
    expect(bench.current.control.calls.length).toBe(status === 200 ? 1 : 0);
  });

  test("refuses writes that another site's page sends without an origin", async () => {
    await bench.current.start();
    const headers = { "sec-fetch-site": "cross-site" };
    expect((await bench.current.post("/quitquitquit", undefined, headers)).status).toBe(403);
    expect((await bench.current.ask("/ready", { headers })).status).toBe(200);
    expect(bench.current.control.calls).toEqual([]);
  });

  test("sends no CORS header, whoever asks", async () => {
    await bench.current.start();
    for (const headers of [{}, { origin: "http://evil.example" }, { origin: bench.current.url }]) {
      const answer = await bench.current.ask("/ready", { headers });
      expect(Object.keys(answer.headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
    }
    const preflight = await bench.current.ask("/load", { method: "OPTIONS", headers: { origin: bench.current.url } });
    expect(preflight.status).toBe(405);
  });

  test("does not start off loopback without a token", async () => {
    const refusal = await bench.current.start("", "0.0.0.0").catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(ProblemError);
    expect((refusal as ProblemError).problems[0]).toMatchObject({ code: "missing_token" });
  });

  test.each([
    [undefined, 401],
    ["Bearer wrong", 401],
    ["Bearer s3cre", 401],
    ["Bearer s3cret2", 401],
    ["Basic s3cret", 401],
    ["Bearer ", 401],
    ["Bearer s3cret", 200],
    ["bearer s3cret", 200],
  ])("with a token, asked with %s answers %i", async (authorization, status) => {
    await bench.current.start("s3cret", "0.0.0.0");
    const answer = await bench.current.ask("/ready", { headers: authorization === undefined ? {} : { authorization } });
    expect(answer.status).toBe(status);
    if (status === 401) expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
  });

  test("lets the holder of the token use any name, but not from another origin", async () => {
    await bench.current.start("s3cret", "0.0.0.0");
    const headers = { host: "gw.example:9901", authorization: "Bearer s3cret" };
    expect((await bench.current.ask("/ready", { headers })).status).toBe(200);
    expect((await bench.current.ask("/ready", { headers: { ...headers, origin: "http://evil.example" } })).status).toBe(
      403,
    );
  });

  test("says in one sentence that its port is taken", async () => {
    const { port } = await bench.current.start();
    const { startAdmin } = await import("../../../host/admin/server.ts");
    const again = startAdmin({
      control: bench.current.control,
      address: { host: "127.0.0.1", port },
      token: "",
      log: { info: () => undefined, error: () => undefined },
      renderMetrics: () => "",
      version: "",
    });
    await expect(again).rejects.toThrow(`admin address 127.0.0.1:${port} is already in use`);
  });
});
