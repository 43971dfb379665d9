// Every shipped filter is replayable: its own recording shows no difference, and the same bytes twice.
import { readdirSync } from "node:fs";
import { resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { VirtualClock } from "../../../host/base/clock.ts";
import type { FromShadow, ShadowCounts } from "../../../host/control/shadow/messages.ts";
import { ShadowRun } from "../../../host/control/shadow/shadow-run.ts";
import type { Harness } from "../../../host/testing.ts";
import { parseRecording } from "../../../host/replay/jsonl.ts";
import { replayRecording, subjectOf } from "../../../host/replay/replay.ts";
import { compile, harness, readmeExamples } from "../../../sdk/testing/index.ts";

const ROOT = resolve(import.meta.dirname, "../../../filters");
const FILTERS = readdirSync(ROOT, { withFileTypes: true }).flatMap((one) => (one.isDirectory() ? [one.name] : []));

/** A little of everything a client may send. */
function traffic(h: Harness): void {
  for (let at = 0; at < 24; at++) {
    const headers = {
      "x-user-id": `u${at % 5}`,
      "user-agent": "test",
      cookie: "sid=abcdef; theme=dark",
      "x-at": String(at),
    };
    const body = at % 3 === 0 ? { body: "x".repeat(at) } : {};
    const exchange = h.request({ method: at % 3 === 0 ? "POST" : "GET", path: `/orders/${at}?q=1`, headers, ...body });
    h.clock.advance(at % 4 === 0 ? 300 : 3);
    if (exchange.replyDetails === null && exchange.upstreamRequest !== null)
      exchange.respond({ status: at % 7 === 0 ? 503 : 200, headers: { server: "up" }, body: `answer ${at}` });
    h.clock.advance(1);
    exchange.end();
  }
}

/** The same as a shadow lives it: lines that come, a thread with a share of the CPU. */
function shadow(text: string, wasm: Uint8Array): ShadowCounts | null {
  const { header } = parseRecording(text);
  const clock = new VirtualClock();
  const told: { counts: ShadowCounts | null } = { counts: null };
  const a = { ...subjectOf(header, { name: "v1", wasm }), name: "v1" };
  const begin = { type: "begin", id: 1, a, b: { ...a, name: "v2" }, ignore: [], cpuPercent: 5 } as const;
  const say = (message: FromShadow): void => void (message.type === "counts" && (told.counts = message.counts));
  const run = new ShadowRun(begin, { clock, cpuMs: () => clock.monotonicMs(), live: undefined, say });
  run.add(JSON.stringify(parseRecording(text).lines));
  clock.advance(60_000);
  run.end();
  return told.counts;
}

describe.each(FILTERS)("%s", (name) => {
  test("A against A': nothing differs, nothing is missing, twice the same", async () => {
    const wasm = await compile(resolve(ROOT, name, "assembly/index.ts"));
    const configs = await readmeExamples(resolve(ROOT, name));
    for (const config of configs.length === 0 ? [undefined] : configs) {
      const h = await harness([{ source: wasm, name, config }], { record: true });
      traffic(h);
      const text = h.recording();
      h.close();
      const run = () => {
        const heard: string[] = [];
        const input = { name: "a", wasm };
        const report = replayRecording(parseRecording(text), [input], {
          heard: (subject, step) => void heard.push(JSON.stringify([subject, step])),
        });
        return { report, heard };
      };
      const { report, heard } = run();
      expect({ ...report, fuel: [] }).toMatchObject({ compared: 24, differing: 0, fields: [], lost: 0 });
      expect(report.a).toMatchObject({ fault: "", diverged: 0, divergences: [] });
      for (const { recorded, a } of report.fuel) expect(a).toBe(recorded);
      expect(shadow(text, wasm)).toMatchObject({
        compared: 24,
        differing: 0,
        fields: [],
        noise: { compared: 24, differing: 0 },
        diverged: 0,
      });
      expect(run().heard).toEqual(heard);
      expect(heard.length).toBeGreaterThan(24);
    }
  });
});
