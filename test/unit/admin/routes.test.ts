import { describe, expect, test } from "vitest";
import { problemError } from "../../../host/base/problem.ts";
import { useBench } from "./support.ts";

const bench = useBench();
const start = async () => {
  await bench.current.start();
  return bench.current;
};

describe("reads", () => {
  test.each([
    ["starting", 503, "PRE_INITIALIZING\n"],
    ["ready", 200, "LIVE\n"],
    ["draining", 503, "DRAINING\n"],
  ] as const)("/ready while %s is %i", async (state, status, text) => {
    const { control, ask } = Object.assign(await start(), {});
    control.state = state;
    expect(await ask.call(bench.current, "/ready")).toMatchObject({ status, text });
  });

  test("/server_info names version, state and node", async () => {
    const { json } = await (await start()).ask("/server_info");
    expect(json).toMatchObject({ version: "0.1.0", state: "LIVE", node: { id: "test" }, workers: 1 });
  });

  test("/stats is text, JSON or Prometheus and can be narrowed", async () => {
    const it = await start();
    it.control.samples = [
      { name: "b_total", type: "counter", help: "", labels: { route: "a" }, value: 3 },
      { name: "a_ms", type: "histogram", help: "", labels: {}, value: { bounds: [1], counts: [2, 1], sum: 9 } },
    ];
    expect((await it.ask("/stats")).text).toBe('a_ms: count=3 sum=9\nb_total{route="a"}: 3\n');
    expect((await it.ask("/stats?filter=b_")).text).toBe('b_total{route="a"}: 3\n');
    expect((await it.ask("/stats?format=json")).json).toEqual({ stats: it.control.samples });
    for (const path of ["/stats/prometheus", "/metrics", "/stats?format=prometheus"]) {
      const answer = await it.ask(path);
      expect(answer.text).toBe("# 2 samples\n");
      expect(answer.headers["content-type"]).toContain("version=0.0.4");
    }
  });

  test("/clusters and /listeners are text as Envoy writes it, or JSON", async () => {
    const it = await start();
    expect((await it.ask("/clusters")).text).toContain("web::127.0.0.1:9001::rq_total::40\n");
    expect((await it.ask("/clusters?format=json")).json.clusters[0]).toMatchObject({ cluster: "web", failures: 5 });
    expect((await it.ask("/listeners")).text).toBe("public::127.0.0.1:8080\n");
    const accept = { headers: { accept: "application/json" } };
    expect((await it.ask("/listeners", accept)).json.listeners[0].connections).toBe(7);
  });

  test("/config_dump, filters, versions and experiments show what the control side says", async () => {
    const it = await start();
    expect((await it.ask("/config_dump")).json).toEqual({ text: "listeners: []", config: { workers: 1 } });
    expect((await it.ask("/api/v1/filters")).json).toEqual({ filters: [it.control.filter] });
    expect((await it.ask("/api/v1/filters/gray/versions")).json).toEqual({ versions: it.control.filter.versions });
    expect((await it.ask("/api/v1/experiments")).json).toEqual({ experiments: [it.control.experiment] });
    expect((await it.ask("/api/v1/experiments/exp")).json).toEqual(it.control.experiment);
  });

  test("/api/v1/schema is the published schema", async () => {
    const { json } = await (await start()).ask("/api/v1/schema");
    expect(json.title).toBe("sluice configuration");
  });

  test("/api/v1/openapi.json and / describe every route", async () => {
    const it = await start();
    const { json } = await it.ask("/api/v1/openapi.json");
    expect(json.paths["/api/v1/filters/{name}:swap"].post.parameters[0]).toMatchObject({ name: "name", in: "path" });
    const index = (await it.ask("/")).text;
    for (const path of Object.keys(json.paths)) expect(index).toContain(path);
  });

  test("HEAD answers as GET without a body", async () => {
    const answer = await (await start()).ask("/ready", { method: "HEAD" });
    expect(answer).toMatchObject({ status: 200, text: "" });
    expect(answer.headers["content-length"]).toBe("5");
  });
});

describe("writes", () => {
  test("upload stores a module, and with swap=true makes it live", async () => {
    const it = await start();
    const stored = await it.post("/api/v1/filters/gray/versions", new Uint8Array(10));
    expect(stored).toMatchObject({ status: 201, json: { version: { version: "v3", state: "stored" }, swap: null } });
    const swapped = await it.post("/api/v1/filters/gray/versions?swap=true&pluginConfig=%7B%7D", new Uint8Array(10));
    expect(swapped.json.swap).toMatchObject({ from: "v2", to: "v3" });
    expect(it.control.calls).toEqual([
      ["upload", "gray", 10, { swap: false }],
      ["upload", "gray", 10, { swap: true, pluginConfig: "{}" }],
    ]);
  });

  test("swap takes a version or rebuilds; rollback goes back", async () => {
    const it = await start();
    expect((await it.post("/api/v1/filters/gray:swap", { version: "v1" })).json).toMatchObject({
      to: "v1",
      threads: 2,
    });
    await it.post("/api/v1/filters/gray:swap");
    await it.post("/api/v1/filters/gray:rollback");
    expect(it.control.calls).toEqual([
      ["swap", "gray", "v1"],
      ["swap", "gray", undefined],
      ["rollback", "gray"],
    ]);
  });

  test("experiments are started, shifted, promoted and aborted", async () => {
    const it = await start();
    const variants = [
      { name: "control", version: "current", weight: 90 },
      { name: "b", version: "v2", weight: 10 },
    ];
    const request = { name: "exp", filter: "gray", unit: ["requestId"], variants };
    expect((await it.post("/api/v1/experiments", request)).status).toBe(201);
    const weights = { control: 50, b: 50 };
    const put = await it.ask("/api/v1/experiments/exp/weights", { method: "PUT", body: JSON.stringify({ weights }) });
    expect(put.json.arms[1].weight).toBe(50);
    expect((await it.post("/api/v1/experiments/exp:promote", { arm: "b" })).json.state).toBe("promoted");
    expect((await it.post("/api/v1/experiments/exp:abort")).json.state).toBe("aborted");
    expect(it.control.calls).toEqual([
      ["createExperiment", request],
      ["setWeights", "exp", weights],
      ["promote", "exp", "b"],
      ["abort", "exp"],
    ]);
  });

  test("rollouts are held and resumed, and a request may carry the rules of the config", async () => {
    const it = await start();
    const variants = [
      { name: "control", version: "current", weight: 90 },
      { name: "b", version: "v2", weight: 10 },
    ];
    const basic = { name: "exp", filter: "gray", unit: ["requestId"], variants };
    const rules = { mode: "canary", rollout: { steps: [{ setWeight: 5 }] } };
    expect((await it.post("/api/v1/experiments", { ...basic, ...rules, force: true })).status).toBe(201);
    expect((await it.post("/api/v1/experiments/exp:pause")).json.state).toBe("held");
    expect((await it.post("/api/v1/experiments/exp:resume")).json.state).toBe("running");
    expect((await it.post("/api/v1/experiments/exp:resume", undefined, { "if-match": '"old"' })).status).toBe(412);
    expect(it.control.calls).toEqual([
      ["createExperiment", { ...basic, rules, force: true }],
      ["pause", "exp"],
      ["resume", "exp"],
    ]);
    expect(it.logged.map(([, fields]) => fields["path"])).toContain("/api/v1/experiments/exp:pause");
  });

  test("events of units are posted one by one or many at once", async () => {
    const it = await start();
    const path = "/api/v1/experiments/exp/events";
    expect((await it.post(path, { unit: "u1", name: "paid" })).json).toEqual({ counted: 1, ignored: 0 });
    const events = [
      { unit: "u1", name: "paid", value: 3 },
      { unit: "u2", name: "paid" },
    ];
    expect((await it.post(path, { events })).json).toEqual({ counted: 2, ignored: 0 });
    expect(it.control.calls[1]).toEqual(["postEvents", "exp", [events[0], { ...events[1], value: 1 }]]);
    for (const bad of [{ unit: "u" }, { unit: "u", name: "n", value: "1" }, { events: [{ name: "n" }] }, { units: [] }])
      expect((await it.post(path, bad)).status).toBe(422);
    const many = Array.from({ length: 10_001 }, () => ({ unit: "u", name: "n" }));
    expect((await it.post(path, { events: many })).status).toBe(413);
  });

  test("the report is JSON, or a page that needs nothing but itself", async () => {
    const it = await start();
    const path = "/api/v1/experiments/exp/report";
    expect((await it.ask(path)).json).toMatchObject({ looks: 42, judgement: { gate: "pass" } });
    const { text, headers } = await it.ask(path, { headers: { accept: "text/html" } });
    expect(headers["content-type"]).toBe("text/html; charset=utf-8");
    expect(headers["content-security-policy"]).toContain("default-src 'none'");
    expect(text).toContain("no decision yet: 41 of 500 units in the smallest arm");
    expect(text).toMatch(/<svg viewBox="0 0 900 220" role="img" aria-label="success_rate: b minus control/);
    expect(text).not.toMatch(/<script|https?:\/\/(?!www\.w3)|NaN|Infinity|undefined/);
    expect((await it.ask("/api/v1/experiments/nope/report")).status).toBe(404);
  });

  test("nothing an experiment is called becomes markup", async () => {
    const it = await start();
    Object.assign(it.control.experiment, { name: "exp" });
    Object.assign(it.control.experiment.rollout, { summary: `<img src=x onerror="alert(1)">` });
    const { text } = await it.ask("/api/v1/experiments/exp/report?format=html");
    expect(text).toContain("&lt;img src=x onerror=&quot;alert(1)&quot;&gt;");
    expect(text).not.toContain("<img");
  });

  test("If-Match lets a write through only if nothing changed since the read", async () => {
    const it = await start();
    const { headers } = await it.ask("/api/v1/experiments/exp");
    const etag = String(headers["etag"]);
    expect((await it.post("/api/v1/experiments/exp:abort", undefined, { "if-match": '"old"' })).status).toBe(412);
    expect((await it.post("/api/v1/experiments/exp:abort", undefined, { "if-match": etag })).status).toBe(200);
    expect(it.control.calls).toEqual([["abort", "exp"]]);
  });

  test("/load loads, /adapt only checks", async () => {
    const it = await start();
    expect((await it.post("/load", "workers: 2")).json).toMatchObject({ changed: true });
    await it.post("/adapt", "workers: 2");
    expect(it.control.calls).toEqual([
      ["load", "workers: 2", { dryRun: false }],
      ["load", "workers: 2", { dryRun: true }],
    ]);
  });

  test("/api/v1/reload reads the file again", async () => {
    const it = await start();
    expect((await it.post("/api/v1/reload")).json).toEqual({ changed: false, changes: [], warnings: [] });
    expect(it.control.calls).toEqual([["reload"]]);
  });

  test("/logging sets the level and knows the levels", async () => {
    const it = await start();
    expect((await it.post("/logging?level=debug")).json).toEqual({ level: "debug" });
    const refused = await it.post("/logging?level=loud");
    expect(refused).toMatchObject({ status: 422, json: { detail: expect.stringContaining("trace, debug, info") } });
  });

  test.each(["/drain_listeners?graceful", "/quitquitquit"])("%s answers before it stops", async (path) => {
    const it = await start();
    expect((await it.post(path)).text).toBe("OK\n");
    expect(it.control.calls).toEqual([["shutdown", `POST ${path.split("?")[0]}`]]);
    expect((await it.ask("/ready")).status).toBe(503);
  });
});

describe("refusals", () => {
  test("a bad config is 422 problem+json with its place", async () => {
    const answer = await (await start()).post("/load", "bad: 1");
    expect(answer.status).toBe(422);
    expect(answer.headers["content-type"]).toBe("application/problem+json");
    expect(answer.json).toMatchObject({
      type: "https://sluice.dev/problems/unknown_key",
      title: "Cannot be accepted",
      status: 422,
      detail: 'unknown key "bad"',
      pointer: "/bad",
      line: 3,
      column: 5,
      frame: " 3 | bad",
      problems: [{ kind: "config", code: "unknown_key" }],
    });
  });

  test.each([
    ["GET", "/load", "POST"],
    ["GET", "/quitquitquit", "POST"],
    ["GET", "/api/v1/filters/gray:swap", "POST"],
    ["DELETE", "/api/v1/filters", "GET, HEAD"],
    ["PATCH", "/api/v1/experiments", "GET, HEAD, POST"],
    ["POST", "/stats", "GET, HEAD"],
  ])("%s %s is 405 and names what is allowed", async (method, path, allow) => {
    const answer = await (await start()).ask(path, { method });
    expect(answer.status).toBe(405);
    expect(answer.headers["allow"]).toBe(allow);
    expect(bench.current.control.calls).toEqual([]);
  });

  test.each([
    ["/nowhere", 404, "unknown_path"],
    ["/api/v1/filters/nope/versions", 404, "unknown_filter"],
    ["/api/v1/experiments/nope", 404, "unknown_experiment"],
    ["/api/v1/filters/%zz/versions", 400, "bad_path"],
    ["/api/v1/filters/a/b/versions", 404, "unknown_path"],
  ])("GET %s is %i %s", async (path, status, code) => {
    expect(await (await start()).ask(path)).toMatchObject({ status, json: { code } });
  });

  test.each([
    ["/api/v1/filters/gray:swap", "{", 400, "", "not JSON"],
    ["/api/v1/filters/gray:swap", "[]", 422, "", "JSON object"],
    ["/api/v1/filters/gray:swap", '{"version":3}', 422, "/version", "expected a string"],
    ["/api/v1/filters/gray:swap", '{"versoin":"v3"}', 422, "/versoin", "unknown key"],
    ["/api/v1/filters/gray/versions", "", 422, undefined, "body is empty"],
    ["/api/v1/experiments", "{}", 422, "/variants", "list of objects"],
    [
      "/api/v1/experiments",
      '{"variants":[{"name":"a","version":"v1","weight":"x"}]}',
      422,
      "/variants/0/weight",
      "0 to 100",
    ],
    ["/api/v1/experiments", '{"variants":[],"name":"a","filter":"b","unit":"c"}', 422, "/unit", "list of strings"],
    ["/api/v1/experiments/exp:promote", '{"arm":1}', 422, "/arm", "expected a string"],
  ])("POST %s with %s is %i", async (...row) => {
    const [path, body, status, pointer, message] = row;
    const answer = await (await start()).post(path, body);
    expect(answer.status).toBe(status);
    expect(answer.json.detail).toContain(message);
    if (pointer !== undefined && pointer !== "") expect(answer.json.pointer).toBe(pointer);
    expect(bench.current.control.calls).toEqual([]);
  });

  test("JSON that does not parse is shown with line and column", async () => {
    const answer = await (await start()).post("/api/v1/filters/gray:swap", '{\n  "version": "v3",\n}');
    expect(answer.json).toMatchObject({ line: 3, column: 1 });
  });

  test("a body that is no UTF-8 is 422", async () => {
    expect((await (await start()).post("/load", new Uint8Array([0xff, 0xfe]))).status).toBe(422);
  });

  test("a body over the limit is 413, announced or not", async () => {
    const it = await start();
    const big = "x".repeat(1024 * 1024 + 1);
    expect((await it.post("/api/v1/filters/gray:swap", big)).status).toBe(413);
    const chunked = await it.post("/api/v1/filters/gray:swap", big, { "transfer-encoding": "chunked" });
    expect(chunked).toMatchObject({ status: 413, json: { code: "body_too_large" } });
    expect(chunked.headers["connection"]).toBe("close");
    expect(it.control.calls).toEqual([]);
  });

  test.each([
    ["state", "unknown_version", 404],
    ["state", "thread_timeout", 409],
    ["state", "bad_weights", 422],
    ["compile", "TS2304", 422],
    ["abi", "missing_export", 422],
  ] as const)("a rejection of kind %s, code %s is %i", async (kind, code, status) => {
    const it = await start();
    it.control.failure = problemError(kind, code, "no");
    expect((await it.post("/api/v1/filters/gray:swap")).status).toBe(status);
  });

  test("a bug is 500 and logged with its stack", async () => {
    const it = await start();
    it.control.failure = new TypeError("x is not a function");
    expect((await it.post("/api/v1/filters/gray:rollback")).status).toBe(500);
    expect(it.logged.find(([level]) => level === "error")![1]["err"]).toBeInstanceOf(TypeError);
  });
});

describe("the audit log", () => {
  test("has every write, done or refused, and no read", async () => {
    const it = await start();
    await it.ask("/stats");
    await it.post("/api/v1/filters/gray/versions?pluginConfig=secret", new Uint8Array(3), { "x-hush": "secret" });
    await it.post("/load", "bad: secret");
    await it.post("/quitquitquit", undefined, { origin: "http://evil.example" });
    expect(it.logged.map(([, fields]) => [fields["method"], fields["path"], fields["status"]])).toEqual([
      ["POST", "/api/v1/filters/gray/versions", 201],
      ["POST", "/load", 422],
      ["POST", "/quitquitquit", 403],
    ]);
    expect(it.logged.every(([, fields]) => fields["audit"] === true)).toBe(true);
    expect(JSON.stringify(it.logged)).not.toContain("secret");
  });
});
