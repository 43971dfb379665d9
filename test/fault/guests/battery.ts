// The hostile battery: every deed in every callback, through the real chain, beside a filter that is well. Run as a test
// (battery.test.ts) and by name (`npm run battery`), which prints what became of each.
import { ProblemError } from "../../../host/base/problem.ts";
import { DEFAULT_LIMITS } from "../../../host/plugin/defaults.ts";
import { Harness } from "../../../host/testing/harness.ts";
import { exercise, hostile, MOMENTS } from "../../support/hostile.ts";
import { ARGUMENT_DEEDS, DEEDS, type End, type HostileDeed } from "./deeds.ts";

export interface Cell {
  readonly deed: HostileDeed;
  readonly moment: string;
}

export interface Outcome {
  readonly end: End | "refused";
  /** What is wrong; "" when all is as expected. */
  readonly wrong: string;
  readonly millis: number;
}

/** Small, so that a run stays short; the default budget is measured by `npm run bench -- --only F3`. */
const LIMITS = { ...DEFAULT_LIMITS, fuel: 1_000_000, memoryBytes: 4 * 1024 * 1024 };
/** Callbacks that run while the filter is loaded. */
const STARTING: ReadonlySet<string> = new Set(["proxy_on_vm_start", "proxy_on_configure"]);
/** Where nonsense in arguments meets different contexts. */
const ARGUMENT_MOMENTS = [
  "proxy_on_configure",
  "proxy_on_request_headers",
  "proxy_on_request_body",
  "proxy_on_response_headers",
  "proxy_on_http_call_response",
  "proxy_on_tick",
  "proxy_on_downstream_data",
  "proxy_on_log",
  "proxy_on_delete",
];

export function cells(): readonly Cell[] {
  const everywhere = DEEDS.flatMap((deed) => Object.keys(MOMENTS).map((moment) => ({ deed, moment })));
  const somewhere = ARGUMENT_DEEDS.flatMap((deed) => ARGUMENT_MOMENTS.map((moment) => ({ deed, moment })));
  return [...everywhere, ...somewhere];
}

const good = hostile({}, "");

export function runCell({ deed, moment }: Cell): Outcome {
  const wasm = hostile(deed, moment);
  const began = performance.now();
  const options = { limits: LIMITS, failurePolicy: "FAIL_OPEN" } as const;
  let h: Harness;
  try {
    h = new Harness([
      { name: "good", wasm: good },
      { name: "bad", wasm, options },
    ]);
  } catch (error) {
    const isRefusal = error instanceof ProblemError;
    const mayBe = deed.ends.some((end) => end !== "lives");
    const wrong = isRefusal && mayBe ? "" : `not loaded: ${String(error)}`;
    return { end: "refused", wrong, millis: performance.now() - began };
  }
  try {
    return judge({ deed, moment }, h, began);
  } catch (error) {
    const wrong = `threw through the proxy: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    return { end: "trap", wrong, millis: performance.now() - began };
  } finally {
    h.close();
  }
}

function judge({ deed, moment }: Cell, h: Harness, began: number): Outcome {
  const first = exercise(h);
  const second = exercise(h);
  const millis = performance.now() - began;
  const reasons = [...new Set(h.faults.map(({ fault }) => fault.reason))];
  const end = (reasons[0] ?? "lives") as End;
  const wrong = [
    ...h.faults.filter(({ filter }) => filter !== "bad").map(({ filter }) => `${filter} failed as well`),
    ...(deed.ends.includes(end) ? [] : [`ended with ${end}, not with ${deed.ends.join(" or ")}`]),
    ...(STARTING.has(moment) && !deed.ends.includes("lives") ? ["it loaded all the same"] : []),
    ...(first.injected || second.injected ? ["a line break reached a header"] : []),
    ...(h.memoryBytes() <= LIMITS.memoryBytes + DEFAULT_LIMITS.memoryBytes ? [] : ["memory over its cap"]),
    ...leaksOf(h),
  ];
  return { end, wrong: wrong.join("; "), millis };
}

function leaksOf(h: Harness): readonly string[] {
  const { streams, contexts } = h.leaks();
  return streams === 0 && contexts === 0 ? [] : [`left ${streams} streams and ${contexts} contexts`];
}
