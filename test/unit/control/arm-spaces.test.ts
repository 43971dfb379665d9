// Which namespace of shared data each arm of an experiment has, from its start to its end.
import { afterEach, describe, expect, test } from "vitest";
import { resumed } from "../../../host/control/experiment-state.ts";
import { Stage } from "./rollout-stage.ts";

let stage = new Stage();
afterEach(() => {
  stage.rollouts.close();
  stage = new Stage();
});

const variants = [
  { name: "a", version: "current", weight: 50 },
  { name: "b", version: "v2", weight: 50 },
];
const start = (rules: object = { mode: "ab" }, name = "e") =>
  stage.desk.create({ name, filter: "f", unit: ["header:u"], variants, rules: { ...rules } });
/** Of what data threads were told last: version -> namespace. */
const spaces = () =>
  stage.drafts.at(-1)!.snapshot.generations.map(({ version, options }) => [version, options.vmId, options.vmName]);

describe("an arm's namespace", () => {
  test("is the filter's for the control and one of its own for a candidate, which knows it by the filter's name", async () => {
    await start();
    expect(spaces()).toEqual([
      ["v1", "f", undefined],
      ["v2", "f#b", "f"],
    ]);
  });

  test("becomes the filter's with a promotion, without another generation, and the next candidate has another", async () => {
    await start();
    const before = stage.drafts.at(-1)!.snapshot.generations[1]!.key;
    stage.emptied.length = 0;
    await stage.desk.promote("e");
    expect(stage.drafts.at(-1)!.snapshot.generations.map(({ key }) => key)).toEqual([before]);
    expect(stage.emptied).toEqual([]);
    const next = [variants[0]!, { ...variants[1]!, version: "v3" }];
    await stage.desk.create({ name: "e2", filter: "f", unit: ["header:u"], variants: next });
    expect(spaces()).toEqual([
      ["v2", "f#b", "f"],
      ["v3", "f#b#2", "f"],
    ]);
    // What was the control's is not anybody's any more.
    expect(stage.emptied).toEqual(["f", "f#b#2"]);
  });

  test("is emptied when the candidate is not promoted, and before another one gets it", async () => {
    await start();
    expect(stage.emptied).toEqual(["f#b"]);
    await stage.desk.abort("e");
    expect(stage.emptied).toEqual(["f#b", "f#b"]);
    expect(spaces()).toEqual([["v1", "f", undefined]]);
    await start({ mode: "ab" }, "e2");
    await stage.desk.promote("e2", "a");
    expect(stage.emptied.length).toBe(4);
    expect(spaces()).toEqual([["v1", "f", undefined]]);
  });

  test("is the control's in an A/A phase, and survives a restart", async () => {
    await start({ analysis: { prePeriod: "1m" } });
    expect(spaces()).toEqual([["v1", "f", undefined]]);
    expect(resumed(JSON.parse(JSON.stringify(stage.state)), "r9").arms.map(({ space }) => space)).toEqual([
      undefined,
      "f#b",
    ]);
  });

  test("is the filter's with sharedData: shared", async () => {
    await start({ sharedData: "shared" });
    expect(spaces().map(([, space]) => space)).toEqual(["f", "f"]);
  });
});

describe("a namespace that others use too", () => {
  const share = (): void => {
    const { config } = stage.runtime;
    Object.assign(stage.runtime, { config: { ...config, filters: [...config.filters, { name: "g", vmId: "f" }] } });
  };

  test("is kept by both arms when nobody says otherwise, and refused when somebody does", async () => {
    share();
    await expect(start({ sharedData: "separate" })).rejects.toMatchObject({
      problems: [
        {
          code: "shared_namespace",
          pointer: "/sharedData",
          message: expect.stringMatching(/filter g has the vmId "f"/),
        },
      ],
    });
    await start();
    expect(spaces().map(([, space]) => space)).toEqual(["f", "f"]);
  });

  test("may be one whose queues another filter reads", async () => {
    const { config } = stage.runtime;
    stage.queues.add("f");
    Object.assign(stage.runtime, { config: { ...config, filters: [...config.filters, { name: "g", vmId: "g" }] } });
    await expect(start({ sharedData: "separate" })).rejects.toThrow(/other filters may read the queues of "f"/);
  });
});
