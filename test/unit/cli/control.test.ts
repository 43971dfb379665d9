// The commands that talk to a running sluice, against a real admin API in front of a fake control side.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type RunningAdmin, startAdmin } from "../../../host/admin/server.ts";
import { problemError } from "../../../host/base/problem.ts";
import { FakeControl } from "../../support/fake-control.ts";
import { type Ran, run } from "./support.ts";

let control: FakeControl;
let admin: RunningAdmin;
let folder = "";
const TOKEN = "s3cret";

beforeAll(() => void (folder = mkdtempSync(join(tmpdir(), "sluice-cli-"))));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(async () => {
  control = new FakeControl();
  const log = { info: () => undefined, error: () => undefined };
  const address = { host: "127.0.0.1", port: 0 };
  admin = await startAdmin({ control, address, token: TOKEN, log, renderMetrics: () => "", version: "0.1.0" });
});
afterEach(async () => {
  await admin.close();
  expect(control.listenersOfEvents.size).toBe(0);
});

const ask = (...argv: string[]): Promise<Ran> =>
  run([...argv, "--admin", `127.0.0.1:${admin.port}`], { env: { SLUICE_ADMIN_TOKEN: TOKEN }, cwd: folder });

describe("reading commands", () => {
  test("filters shows what is live", async () => {
    const { code, out, err } = await ask("filters");
    expect([code, err]).toEqual([0, ""]);
    expect(out).toBe(
      "NAME  LIVE  BUILD      IN FLIGHT  POLICY       EXPERIMENT  STATE\n" +
        "gray  v2    optimised          4  FAIL_CLOSED  exp         ok\n",
    );
    expect((await ask("filters", "-o", "wide")).out).toContain("filters/gray/assembly/index.ts");
  });

  test("--json is the object of the admin route of that name", async () => {
    expect(JSON.parse((await ask("filters", "--json")).out)).toEqual({ filters: [control.filter] });
    expect(JSON.parse((await ask("filters", "-o", "json")).out)).toEqual({ filters: [control.filter] });
    expect(JSON.parse((await ask("clusters", "--json")).out)).toEqual({ clusters: await control.clusters() });
    expect((await ask("clusters", "-o", "yaml")).out).toContain("clusters:\n  - cluster: web\n");
  });

  test("clusters shows endpoints", async () => {
    expect((await ask("clusters")).out).toMatch(/^web +127\.0\.0\.1:9001 +2 +40 +5$/m);
  });

  test("stats can be narrowed", async () => {
    control.samples = [
      { name: "a_total", type: "counter", help: "", labels: {}, value: 1 },
      { name: "b_total", type: "counter", help: "", labels: {}, value: 2 },
    ];
    expect((await ask("stats", "b_")).out).toBe("b_total: 2\n");
  });

  test("routes shows the routes the proxy runs", async () => {
    const headers = [{ name: "x-a", kind: "exact", value: "b", invert: true }];
    const clusters = [
      { cluster: "a", weight: 9 },
      { cluster: "b", weight: 1 },
    ];
    const filters = { add: ["fault"], disable: ["auth"], override: {} };
    const route = {
      name: "r",
      match: { prefix: "/o", headers },
      action: { kind: "forward", clusters },
      timeoutMs: 5,
      filters,
    };
    const config = { listeners: [{ name: "public", routes: [route] }] };
    control.configDump = () => Promise.resolve({ text: "", config }) as never;
    expect((await ask("routes")).out).toMatch(/^public +r +\/o\*, not x-a exact "b" +a 9, b 1 +\+fault -auth$/m);
  });

  test("an admin API that is not there is one sentence and exit code 5", async () => {
    const { url } = admin;
    await admin.close();
    const { code, out, err } = await ask("clusters");
    expect([code, out]).toEqual([5, ""]);
    expect(err).toBe(
      `no sluice answers at ${url} (ECONNREFUSED); is it running? Name another with --admin host:port\n`,
    );
  });

  test("a missing token is a failure that says what to do", async () => {
    const { code, err } = await run(["filters", "--admin", `127.0.0.1:${admin.port}`]);
    expect(code).toBe(1);
    expect(err).toContain("SLUICE_ADMIN_TOKEN");
  });

  test("address and token come from the config file when nothing names them", async () => {
    const path = join(folder, "sluice.yaml");
    const text = `admin: { address: 127.0.0.1:${admin.port}, token: ${TOKEN} }\nlisteners: [{ name: a, address: 127.0.0.1:0 }]\n`;
    writeFileSync(path, text);
    expect((await run(["filters"], { cwd: folder })).code).toBe(0);
    rmSync(path);
  });

  test("an address that is none is a usage error", async () => {
    expect((await run(["filters", "--admin", "::::"])).code).toBe(2);
  });
});

describe("controlling commands", () => {
  test("swap says what runs now", async () => {
    const { code, out } = await ask("swap", "gray@v1");
    expect(code).toBe(0);
    expect(out).toBe("gray  v2 → v1  swapped in 12 ms on 2 threads · 4 in flight finish on v2\n");
    expect(JSON.parse((await ask("swap", "gray", "--json")).out)).toMatchObject({ filter: "gray", to: "v3" });
    expect(control.calls).toEqual([
      ["swap", "gray", "v1"],
      ["swap", "gray", undefined],
    ]);
  });

  test.each(["@v1", "gray@"])("swap %s is a usage error", async (target) => {
    expect((await ask("swap", target)).code).toBe(2);
  });

  test("a refused swap prints the reason and keeps its exit code", async () => {
    control.failure = problemError("compile", "TS2322", "Type 'i32' is not assignable", {
      file: "a.ts",
      line: 3,
      column: 5,
      frame: " 3 | let a: string = 1;",
    });
    const { code, err } = await ask("swap", "gray");
    expect(code).toBe(4);
    expect(err).toBe("error[compile]: Type 'i32' is not assignable\n  --> a.ts:3:5\n 3 | let a: string = 1;\n");
    control.failure = problemError("compile", "TS2322", "no");
    expect(JSON.parse((await ask("swap", "gray", "--json")).err).problems[0]).toMatchObject({ code: "TS2322" });
  });

  test("rollback goes back", async () => {
    expect((await ask("rollback", "gray")).out).toContain("v2 → v1");
  });

  test("reload reads the file again, or takes the one that is named", async () => {
    expect((await ask("reload")).out).toBe("nothing changed\n");
    writeFileSync(join(folder, "other.yaml"), "workers: 2\n");
    expect((await ask("reload", "-c", "other.yaml")).out).toBe("workers changed from 1 to 2\n");
    writeFileSync(join(folder, "other.yaml"), "bad: 2\n");
    expect((await ask("reload", "-c", "other.yaml")).code).toBe(3);
    expect((await ask("reload", "-c", "nowhere.yaml")).err).toContain("there is no nowhere.yaml here");
    expect(control.calls).toEqual([["reload"], ["load", "workers: 2\n", { dryRun: false }]]);
  });

  test.each(["5", "soon"])("--timeout %s is a usage error", async (text) => {
    expect((await ask("swap", "gray", "--timeout", text)).code).toBe(2);
  });
});

describe("ab", () => {
  test("starts an experiment", async () => {
    const { code } = await ask("ab", "gray", "--variants", "v1,v2", "--split", "90/10", "--hash", "header:x-user");
    expect(code).toBe(0);
    expect(control.calls).toEqual([
      [
        "createExperiment",
        {
          name: "gray-ab",
          filter: "gray",
          unit: ["header:x-user"],
          variants: [
            { name: "v1", version: "v1", weight: 90 },
            { name: "v2", version: "v2", weight: 10 },
          ],
        },
      ],
    ]);
  });

  test("splits evenly without a split, the rest to the control", async () => {
    await ask("ab", "gray", "--variants", "v1,v2,v3");
    expect(control.calls[0]![1]).toMatchObject({ variants: [{ weight: 34 }, { weight: 33 }, { weight: 33 }] });
  });

  test("shows the counts of each arm", async () => {
    const { out } = await ask("ab", "gray");
    expect(out).toContain("exp  on gray  running  by header:x-user-id  3 without a unit");
    expect(out).toMatch(/^control +v1 +90 % +900 +890 +10 +1\.11 % +0$/m);
  });

  test("shifts, promotes and aborts the running one", async () => {
    await ask("ab", "gray", "--split", "50/50");
    await ask("ab", "gray", "--promote", "b");
    await ask("ab", "gray", "--abort");
    expect(control.calls).toEqual([
      ["setWeights", "exp", { control: 50, b: 50 }],
      ["promote", "exp", "b"],
      ["abort", "exp"],
    ]);
  });

  test("takes the rules of a rollout", async () => {
    const flags = [
      "--mode",
      "canary",
      "--metric",
      "bytes:decrease",
      "--steps",
      "5,50,100",
      "--pause",
      "10s",
      "--force",
    ];
    const guardrails = ["--guardrail", "error_rate<0.02", "--guardrail", "p99_ms", "--guardrail", "added_ms+2"];
    expect((await ask("ab", "gray", "--variants", "v1,v2", ...flags, ...guardrails)).code).toBe(0);
    expect(control.calls[0]![1]).toMatchObject({
      force: true,
      rules: {
        mode: "canary",
        metrics: {
          primary: { name: "bytes", direction: "decrease" },
          guardrails: [{ name: "error_rate", max: 0.02 }, { name: "p99_ms" }, { name: "added_ms", margin: 2 }],
        },
        rollout: {
          steps: [{ setWeight: 5 }, { pause: "10s" }, { setWeight: 50 }, { pause: "10s" }, { setWeight: 100 }],
        },
      },
    });
  });

  test("--shadow comes before the steps, and mode shadow shows the candidate to nobody", async () => {
    await ask("ab", "gray", "--variants", "v1,v2", "--shadow", "10s", "--steps", "5,100");
    expect(control.calls[0]![1]).toMatchObject({
      rules: { rollout: { steps: [{ shadow: { for: "10s", onDiff: "continue" } }, { setWeight: 5 }, {}, {}] } },
    });
    await ask("ab", "gray", "--variants", "v1,v2", "--mode", "shadow");
    expect(control.calls[1]![1]).toMatchObject({
      variants: [{ weight: 100 }, { weight: 0 }],
      rules: { mode: "shadow" },
    });
    expect(await ask("ab", "gray", "--variants", "v1,v2", "--shadow", "10s")).toMatchObject({ code: 2 });
  });

  test("--report shows effects, intervals and checks, or the object that the API gives", async () => {
    const { out } = await ask("ab", "gray", "--report");
    expect(out).toContain("exp  canary on gray  running  by header:x-user-id  42 s, 42 looks");
    expect(out).toContain("success_rate  primary  inconclusive  control 0.989, b 0.99  [-0.02, 0.022]");
    expect(out).toMatch(/^ {6} *├─+\|?─*●─+┤ *$/m);
    expect(out).toContain("sample ratio  as planned  9.70 % of 421 units, planned 10.0 %");
    expect(out).toContain("no decision yet: 41 of 500 units in the smallest arm");
    expect(out).toContain("rehearsal     v2 in the shadow of v1, ended, 7 of 300 streams differ, noise 0 of 40");
    expect(out).toMatch(/request_headers request.header.x-tag {2}7\n.*more: sluice shadow gray --report/);
    expect(JSON.parse((await ask("ab", "gray", "--report", "--json")).out)).toMatchObject({ looks: 42 });
  });

  test.each([
    ["--variants", "v1"],
    ["--variants", "v1,"],
    ["--variants", "v1,v1"],
    ["--split", "50/60"],
    ["--split", "100"],
    ["--split", "a/b"],
    ["--metric", "p99"],
    ["--variants=v1,v2", "--metric=p99"],
    ["--variants=v1,v2", "--guardrail=speed<1"],
    ["--variants=v1,v2", "--guardrail=error_rate<x"],
    ["--variants=v1,v2", "--steps=5,0"],
    ["--variants=v1,v2", "--steps=5 --pause=soon"],
  ])("%s %s is a usage error", async (flag, value) => {
    expect((await ask("ab", "gray", flag, value)).code).toBe(2);
    expect(control.calls).toEqual([]);
  });

  test("without an experiment says how to start one", async () => {
    const { code, err } = await ask("ab", "other");
    expect(code).toBe(2);
    expect(err).toContain("sluice ab other --variants");
  });
});

describe("rollout", () => {
  test("get shows the one that is open, its step marked", async () => {
    const { code, out } = await ask("rollout", "get");
    expect(code).toBe(0);
    expect(out).toContain("setWeight 10  →  [pause 30s]  →  setWeight 50");
    expect((await ask("rollout")).out).toBe(out);
    expect((await ask("rollout", "get", "gray")).out).toBe(out);
    expect(JSON.parse((await ask("rollout", "get", "exp", "--json")).out)).toMatchObject({ looks: 42 });
  });

  test("promote, pause, resume and abort steer it", async () => {
    for (const action of ["promote", "pause", "resume", "abort"]) {
      expect((await ask("rollout", action)).out).toMatch(/^exp {2}(promoted|held|running|aborted) {2}started/);
    }
    expect(control.calls).toEqual([
      ["promote", "exp", undefined],
      ["pause", "exp"],
      ["resume", "exp"],
      ["abort", "exp"],
    ]);
  });

  test("what is not there is a usage error that names what is", async () => {
    expect(await ask("rollout", "get", "nope")).toMatchObject({ code: 2, err: expect.stringContaining("known: exp") });
    expect(await ask("rollout", "stop")).toMatchObject({ code: 2, err: expect.stringContaining('got "stop"') });
  });
});

describe("logs", () => {
  test("prints what was and what comes until the server ends", async () => {
    control.emit({ type: "swap", filter: "gray", text: "gray  v1 → v2" });
    control.emit({ type: "log", filter: "gray", text: "hello" });
    const running = ask("logs", "--json");
    while (control.listenersOfEvents.size === 0) await new Promise((resolve) => setImmediate(resolve));
    control.emit({ type: "fault", text: "end" });
    await admin.close();
    const { code, out } = await running;
    expect(code).toBe(0);
    expect(
      out
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).text),
    ).toEqual(["gray  v1 → v2", "hello", "end"]);
  });
});
