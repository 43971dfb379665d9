// State that a version hands to the next (abi.md 3.6): what is passed, what is not, and that nothing of it does harm.
import { afterEach, describe, expect, test } from "vitest";
import { Harness } from "../../../host/testing.ts";
import { guest, withNonce } from "../../support/modules.ts";

let harness: Harness | null = null;
afterEach(() => {
  expect(harness?.leaks()).toEqual({ streams: 0, contexts: 0 });
  harness?.close();
  harness = null;
});

async function start(config: object = {}): Promise<Harness> {
  harness = new Harness([{ name: "tally", wasm: await guest("tally"), config }]);
  return harness;
}
const reload = async (to: Harness, config: object = {}, nonce = 1): Promise<void> =>
  to.reload({ name: "tally", wasm: withNonce(await guest("tally"), nonce), config });

/** What the filter has counted, this request included. */
function ask(of: Harness): string | undefined {
  const exchange = of.request();
  exchange.respond();
  exchange.end();
  return exchange.response?.header("x-count");
}
const said = (of: Harness): string[] => of.logs.map(({ message }) => message);
const results = (of: Harness): string[] => of.handOvers.map(({ result }) => result);

describe("state goes to the next version", () => {
  test("a count goes on where the old version left it, with the name of who wrote it", async () => {
    const h = await start();
    expect([ask(h), ask(h)]).toEqual(["1", "2"]);
    await reload(h);
    expect([ask(h), ask(h)]).toEqual(["3", "4"]);
    expect(results(h)).toEqual(["restored"]);
    expect(said(h)).toEqual([expect.stringMatching(/^from 0\.0\.0\+[0-9a-f]{12}$/)]);
  });

  test("from version to version", async () => {
    const h = await start();
    for (let round = 1; round <= 5; round++) {
      expect(ask(h)).toBe(String(round));
      await reload(h, {}, round);
    }
    expect(results(h)).toEqual(Array.from({ length: 5 }, () => "restored"));
  });

  test("a changed configuration of the filter does not keep it from going over", async () => {
    const h = await start({ snapshot: "" });
    ask(h);
    await reload(h, { restore: "take" });
    expect(ask(h)).toBe("2");
  });

  test("streams under way finish on the old version, and what they change afterwards is not handed over", async () => {
    const h = await start();
    const under = h.request();
    await reload(h);
    expect(ask(h)).toBe("1");
    under.respond();
    under.end();
    expect(under.response?.header("x-count")).toBe("1");
    expect(ask(h)).toBe("2");
  });

  test("the newest of several writes counts", async () => {
    const h = await start({ snapshot: "twice" });
    await reload(h);
    expect(ask(h)).toBe("701");
  });
});

describe("nothing is handed over", () => {
  test("when the old version writes nothing", async () => {
    const h = await start({ snapshot: "none" });
    ask(h);
    await reload(h);
    expect(ask(h)).toBe("1");
    expect(results(h)).toEqual(["empty"]);
  });

  test("when it is over 1 MiB: the write is refused", async () => {
    const h = await start({ snapshot: "large" });
    ask(h);
    await reload(h);
    expect(said(h)).toEqual(["written false"]);
    expect(ask(h)).toBe("1");
  });

  test("outside of sluice_on_snapshot", async () => {
    const h = await start();
    const exchange = h.request();
    exchange.respond({ headers: { "x-late": "1" } });
    exchange.end();
    expect(said(h)).toEqual(["late false"]);
  });

  test("when the new version says no: it starts empty, and that is no fault", async () => {
    const h = await start();
    ask(h);
    await reload(h, { restore: "refuse" });
    expect(ask(h)).toBe("1");
    expect(results(h)).toEqual(["refused"]);
    expect(h.faults).toEqual([]);
  });

  test("in other hosts: the callbacks are not called and the function is not there", async () => {
    harness = new Harness([{ name: "tally", wasm: await guest("tally") }], { profile: "envoy" });
    ask(harness);
    await reload(harness);
    expect(ask(harness)).toBe("1");
    expect(results(harness)).toEqual(["empty"]);
  });
});

describe("a trap", () => {
  test("in the old version costs the state, not the swap, and counts against nobody", async () => {
    const h = await start({ snapshot: "trap" });
    ask(h);
    await reload(h);
    expect(ask(h)).toBe("1");
    expect(results(h)).toEqual(["empty"]);
    expect(h.faults).toEqual([]);
    expect(said(h).at(-1)).toMatch(/^sluice_on_snapshot ended with trap: .*; no state is handed over$/);
  });

  test("in the new version makes it start afresh, at once", async () => {
    const h = await start();
    ask(h);
    await reload(h, { restore: "trap" });
    expect([ask(h), ask(h)]).toEqual(["1", "2"]);
    expect(results(h)).toEqual(["failed"]);
    expect(h.faults).toEqual([]);
    expect(said(h).at(-1)).toMatch(/^sluice_on_restore ended with trap: .*; no state is handed over$/);
  });
});
