// Who takes part in an experiment, which arm a unit has, and what is noted of it.
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import type { StreamFacts } from "../../../host/chain/ports.ts";
import { type Arm, chooseArm, countFault, newArmCounts, settleExposures } from "../../../host/chain/slot.ts";
import { ArmLedger } from "../../../host/data-plane/arm-ledger.ts";
import { ExperimentSlot } from "../../../host/data-plane/experiment-slot.ts";
import type { UnitSource } from "../../../host/experiment/options.ts";
import { planRanges } from "../../../host/experiment/ranges.ts";
import { columnOf, sumOf } from "../../../host/experiment/tally.ts";
import { createUnitBook, UnitBook } from "../../../host/experiment/unit-book.ts";
import type { TrialMessage } from "../../../host/link/messages.ts";

interface Setup {
  readonly unit?: readonly UnitSource[];
  readonly weights?: readonly [number, number];
  readonly trial?: Partial<TrialMessage>;
  readonly name?: string;
}

const USER: UnitSource = { kind: "header", name: "x-user" };
const PLAN = { slowMs: [], filterMetrics: [], events: [] };

function slotOf({ unit = [USER], weights = [50, 50], trial = {}, name = "e" }: Setup = {}) {
  const handle = createUnitBook(1);
  const book = new UnitBook(handle);
  const alarms: number[] = [];
  const ledger = new ArmLedger((_experiment, _trial, harmed) => void alarms.push(harmed));
  const whole: TrialMessage = {
    id: "r1.0",
    plan: PLAN,
    book: handle,
    layer: null,
    targeting: null,
    overrides: null,
    ...trial,
  };
  const place = (arm: string) => ({ filter: "f", experiment: name, arm });
  const arms = ["control", "b"].map((arm, at): Arm => ({
    generation: {} as Arm["generation"],
    config: "",
    name: arm,
    counts: newArmCounts(),
    tally: ledger.tallyOf(place(arm), at, whole, book),
  }));
  const ranges = planRanges(null, weights);
  const message = {
    filter: "f",
    experiment: name,
    salt: name,
    unit,
    arms: ["control", "b"].map((arm, at) => ({ name: arm, generation: "", ranges: ranges[at]! })),
  };
  const [control, b] = arms as [Arm, Arm];
  const slot = new ExperimentSlot({ message, trial: whole, arms: [control, b], book, ledger, random: seededRandom(5) });
  return { slot, book, ledger, alarms };
}

const facts = (more: Partial<StreamFacts> = {}): StreamFacts =>
  ({
    requestId: "r",
    sourceAddress: "192.0.2.7",
    connectionId: 3,
    arms: "",
    exposure: null,
    newCookies: null,
    notes: null,
    responseCode: 200,
    startMs: 0,
    durationMs: 1,
    upstreamMs: 0,
    requestBytes: 0,
    responseBytes: 0,
    attempts: 1,
    ...more,
  }) as StreamFacts;

/** Name of the arm, and whether the request counts. */
function ask(slot: ExperimentSlot, headers: string[], known = facts()): readonly [string, boolean] {
  const arm = chooseArm(slot, [":path", "/", ...headers], known.requestId, known)!;
  return [arm.name, known.exposure !== null];
}

const users = (count: number): string[] => Array.from({ length: count }, (_, at) => `user-${at}`);

describe("the slot of an experiment", () => {
  test("gives a user the same arm every time, and notes it", () => {
    const { slot } = slotOf();
    for (const user of users(200)) {
      const first = ask(slot, ["x-user", user]);
      expect(first[1]).toBe(true);
      expect(ask(slot, ["x-user", user])).toEqual(first);
    }
  });

  test("gives a request without a unit the control, counted apart and not analysed", () => {
    const { slot, ledger } = slotOf({ weights: [0, 100] });
    expect(ask(slot, [])).toEqual(["control", false]);
    expect(ledger.unitMissing.get("e")).toBe(1);
  });

  test("business gray first, then traffic gray: others get the control and do not count", () => {
    const rule = { name: "x-tenant", kind: "exact", value: "beta", invert: false } as const;
    const { slot } = slotOf({ weights: [0, 100], trial: { targeting: { prefix: "/", headers: [rule] } } });
    expect(ask(slot, ["x-user", "u", "x-tenant", "beta"])).toEqual(["b", true]);
    expect(ask(slot, ["x-user", "u", "x-tenant", "gold"])).toEqual(["control", false]);
    const path = slotOf({ weights: [0, 100], trial: { targeting: { prefix: "/orders", headers: [] } } });
    expect(ask(path.slot, ["x-user", "u"])).toEqual(["control", false]);
  });

  test("a closed book is in force at the next request, without a message", () => {
    const { slot, book } = slotOf({ weights: [0, 100] });
    expect(ask(slot, ["x-user", "u"])).toEqual(["b", true]);
    book.close();
    expect(ask(slot, ["x-user", "u"])).toEqual(["control", false]);
  });

  test("the third fault of the candidate closes it on the spot", () => {
    const { slot, book, alarms } = slotOf({ weights: [0, 100] });
    for (let at = 0; at < 3; at++) {
      const known = facts();
      const arm = chooseArm(slot, ["x-user", `u${at}`], "r", known)!;
      countFault(arm, known);
      expect(known.exposure?.failed).toBe(true);
    }
    expect([book.closed, alarms]).toEqual([true, [1, 2, 3]]);
    expect(ask(slot, ["x-user", "u"])[0]).toBe("control");
  });

  test("overrides name the arm of a unit; a header does for trusted clients only; neither is analysed", () => {
    const overrides = { units: { vip: "b" }, header: "x-arm", trustedClients: ["10.0.0.0/8"] };
    const { slot } = slotOf({ weights: [100, 0], trial: { overrides } });
    expect(ask(slot, ["x-user", "vip"])).toEqual(["b", false]);
    expect(ask(slot, ["x-user", "u", "x-arm", "b"])).toEqual(["control", true]);
    expect(ask(slot, ["x-user", "u", "x-arm", "b"], facts({ sourceAddress: "10.9.8.7" }))).toEqual(["b", false]);
    const closed = slotOf({ trial: { overrides } });
    closed.book.close();
    expect(ask(closed.slot, ["x-user", "vip"])).toEqual(["control", false]);
    expect(ask(closed.slot, ["x-arm", "b"], facts({ sourceAddress: "10.9.8.7" }))[0]).toBe("control");
    expect(ask(slot, ["x-user", "u", "x-arm", "z"], facts({ sourceAddress: "10.9.8.7" }))).toEqual(["control", true]);
  });

  test("a cookie is given to whoever has no unit, once per request, and is the unit from then on", () => {
    const unit: UnitSource[] = [{ kind: "cookie", name: "sid", set: true }];
    const [one, other] = [slotOf({ unit }), slotOf({ unit, name: "e2" })];
    const known = facts();
    const [first] = ask(one.slot, [], known);
    expect(known.newCookies).toEqual(["sid", expect.stringMatching(/^[0-9a-f]{32}$/)]);
    ask(other.slot, [], known);
    expect(known.newCookies?.length).toBe(2);
    const again = facts();
    expect(ask(one.slot, ["cookie", `sid=${known.newCookies![1]}`], again)).toEqual([first, true]);
    expect(again.newCookies).toBeNull();
    expect(one.ledger.unitMissing.size).toBe(0);
  });

  test("a claim of the bearer token, or what a filter before it has set, is a unit", () => {
    const token = (claims: object): string =>
      `Bearer x.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.signature`;
    const claim = slotOf({ unit: [{ kind: "claim", name: "sub" }] });
    const arms = users(300).map((sub) => ask(claim.slot, ["authorization", token({ sub })]));
    expect(arms.every(([, counted]) => counted)).toBe(true);
    expect(new Set(arms.map(([arm]) => arm)).size).toBe(2);
    for (const bad of ["Bearer x", "Bearer x.!!!.y", token([1]), token({ sub: {} }), `Basic ${token({ sub: "u" })}`])
      expect(ask(claim.slot, ["authorization", bad])).toEqual(["control", false]);
    const tag = slotOf({ unit: [{ kind: "tag", name: "user" }], weights: [0, 100] });
    const notes = { filterState: new Map([["wasm.user", { value: Buffer.from("u1"), readonly: false }]]) };
    expect(ask(tag.slot, [], facts({ notes: notes as never }))).toEqual(["b", true]);
    expect(ask(tag.slot, [])).toEqual(["control", false]);
  });

  test("experiments in one layer never share a unit, in different layers they are independent", () => {
    const count = 20_000;
    const half = (name: string, layer: string, from: number, to: number) =>
      slotOf({ name, trial: { layer: { name: layer, from, to } }, weights: [50, 50] }).slot;
    const [a, b] = [half("a", "l", 0, 0.5), half("b", "l", 0.5, 1)];
    let inA = 0;
    let inB = 0;
    for (const user of users(count)) {
      const [, countsA] = ask(a, ["x-user", user]);
      const [, countsB] = ask(b, ["x-user", user]);
      expect(countsA).toBe(!countsB);
      inA += Number(countsA);
      inB += Number(countsB);
    }
    expect(Math.abs(inA / count - 0.5)).toBeLessThan(0.02);
    expect(inA + inB).toBe(count);
    const [x, y] = [half("x", "one", 0, 1), half("y", "other", 0, 1)];
    const table = [0, 0, 0, 0];
    for (const user of users(count))
      table[Number(ask(x, ["x-user", user])[0] === "b") * 2 + Number(ask(y, ["x-user", user])[0] === "b")]!++;
    const [n00, n01, n10, n11] = table as [number, number, number, number];
    const chi = (count * (n00 * n11 - n01 * n10) ** 2) / ((n00 + n01) * (n10 + n11) * (n00 + n10) * (n01 + n11));
    expect(chi).toBeLessThan(10.83);
  });

  test("what the request was is added to its arm when it has ended", () => {
    const { slot, ledger } = slotOf({ weights: [0, 100] });
    const known = facts({ responseCode: 502 });
    ask(slot, ["x-user", "u"], known);
    settleExposures(known, true);
    const [report, ...more] = ledger.takeTallies();
    expect(more).toEqual([]);
    expect(report).toMatchObject({ experiment: "e", trial: "r1.0", arm: "b" });
    expect([0, 1, 2].map((column) => sumOf(columnOf(report!.sums, PLAN, column)))).toEqual([1, 1, 1]);
    expect(ledger.takeTallies()).toEqual([]);
  });
});
