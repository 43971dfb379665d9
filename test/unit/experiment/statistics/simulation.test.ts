// The figures of the design, by simulation with fixed seeds: how often a verdict is wrong however often one looks, and how
// soon a true difference is seen. Bounds: the nominal rate plus three standard errors of the run.
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../../host/base/random.ts";
import { halfWidth, type Level } from "../../../../host/experiment/statistics/confidence-sequence.ts";
import { difference, meanOf } from "../../../../host/experiment/statistics/estimate.ts";

const LEVEL: Level = { alpha: 0.05, tuning: 5000 };
const LOOK = 100;
const MOST = 20_000;

interface Outcome {
  /** Share of runs in which the fixed test ever said "different". */
  readonly fixed: number;
  readonly sequence: number;
  readonly medianStop: number;
}

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN;

/** One run: units one by one in both arms, a look every 100 per arm. */
function run(draw: () => number, [p, q]: readonly [number, number], wantsFixed: boolean): [boolean, number] {
  let a = 0;
  let b = 0;
  let fixed = false;
  let stop = 0;
  for (let n = LOOK; n <= MOST; n += LOOK) {
    for (let unit = 0; unit < LOOK; unit++) {
      if (draw() < p) a++;
      if (draw() < q) b++;
    }
    const delta = difference(meanOf(n, a, a), meanOf(n, b, b));
    const distance = Math.abs(delta.value);
    if (distance > 1.959_964 * Math.sqrt(delta.variance) && delta.variance > 0) fixed = true;
    if (stop === 0 && distance > halfWidth(delta, LEVEL)) stop = n;
    if (stop > 0 && (fixed || !wantsFixed)) break;
  }
  return [fixed, stop];
}

function simulate(rates: readonly [number, number], runs: number, seed: number): Outcome {
  const random = seededRandom(seed);
  const draw = (): number => random.fraction();
  const all = Array.from({ length: runs }, () => run(draw, rates, rates[0] === rates[1]));
  const stops = all.map(([, stop]) => stop).filter((stop) => stop > 0);
  return {
    fixed: all.filter(([fixed]) => fixed).length / runs,
    sequence: stops.length / runs,
    medianStop: median(stops),
  };
}

describe("A/A and A/B with a look every 100 units per arm", () => {
  test.each([
    [0.05, 41],
    [0.01, 42],
  ])("base %f without a difference: 1 000 runs, at most alpha and three standard errors are wrong", (base, seed) => {
    const { fixed, sequence } = simulate([base, base], 1000, seed);
    expect(sequence).toBeLessThanOrEqual(0.05 + 3 * Math.sqrt((0.05 * 0.95) / 1000));
    expect(fixed, "the fixed test peeks, so the simulation does").toBeGreaterThan(0.25);
  });

  test.each([
    [0.05, 0.06, 0.88, 7000],
    [0.01, 0.02, 0.99, 2500],
    [0.001, 0.02, 0.99, 700],
  ])("%f against %f is seen", (p, q, power, stop) => {
    const { sequence, medianStop } = simulate([p, q], 400, 7);
    expect(sequence).toBeGreaterThanOrEqual(power);
    expect(medianStop).toBeGreaterThanOrEqual(0.85 * stop);
    expect(medianStop).toBeLessThanOrEqual(1.15 * stop);
  });
});

interface Draws {
  /** Chance that an event (or unit) falls to B. */
  readonly chance: number;
  readonly share: number;
  readonly concentration: number;
  readonly alpha: number;
  readonly most: number;
  /** Nothing is said below so many in either arm. */
  readonly least: number;
  /** Only more than its share counts. */
  readonly oneSided: boolean;
}

/** The e-process one event at a time: E grows by the chance under the mixture over the chance under the null. */
function stopOf(draw: () => number, given: Draws): number {
  const { chance, share, concentration, alpha, most, least, oneSided } = given;
  const limit = -Math.log(alpha);
  let logE = 0;
  let x = 0;
  for (let k = 1; k <= most; k++) {
    const inB = draw() < chance;
    const seen = k - 1;
    const grown = inB
      ? (concentration * share + x) / (concentration + seen) / share
      : (concentration * (1 - share) + seen - x) / (concentration + seen) / (1 - share);
    logE += Math.log(grown);
    if (inB) x++;
    if (logE >= limit && x >= least && k - x >= least && (!oneSided || x / k > share)) return k;
  }
  return 0;
}

function process(given: Draws, runs: number, seed: number): { readonly stopped: number; readonly medianStop: number } {
  const random = seededRandom(seed);
  const draw = (): number => random.fraction();
  const stops = Array.from({ length: runs }, () => stopOf(draw, given)).filter((stop) => stop > 0);
  return { stopped: stops.length / runs, medianStop: median(stops) };
}

const ERRORS = { share: 0.5, concentration: 10, alpha: 0.01, most: 2000, least: 0, oneSided: true };
const RATIO = { concentration: 1000, alpha: 0.001, most: 20_000, least: 8, oneSided: false };

describe("failures counted one by one", () => {
  test("without a difference at most alpha and three standard errors are stopped", () => {
    const { stopped } = process({ ...ERRORS, chance: 0.5 }, 1000, 5);
    expect(stopped).toBeLessThanOrEqual(0.01 + 3 * Math.sqrt((0.01 * 0.99) / 1000));
  });

  test("twice the failures are caught after some 90 events, nine times as many after some 22", () => {
    const twice = process({ ...ERRORS, chance: 2 / 3 }, 400, 6);
    expect(twice.stopped).toBeGreaterThanOrEqual(0.99);
    expect(twice.medianStop).toBeLessThanOrEqual(120);
    expect(Math.abs(twice.medianStop / 90 - 1)).toBeLessThanOrEqual(0.15);
    const nine = process({ ...ERRORS, chance: 0.9 }, 400, 6);
    expect(nine.stopped).toBeGreaterThanOrEqual(0.99);
    expect(Math.abs(nine.medianStop / 22 - 1)).toBeLessThanOrEqual(0.15);
  });
});

describe("sample ratio", () => {
  test.each([0.1, 0.5])("a planned share of %f that is kept raises no alarm", (share) => {
    const { stopped } = process({ ...RATIO, share, chance: share }, 400, 8);
    expect(stopped).toBeLessThanOrEqual(0.001 + 3 * Math.sqrt((0.001 * 0.999) / 400));
  });

  test.each([
    [0.12, 0.1, 0.99, 4184],
    [0.11, 0.1, 0.7, 12_404],
    [0.52, 0.5, 0.93, 9560],
  ])("%f against a planned %f is caught", (chance, share, least, stop) => {
    const { stopped, medianStop } = process({ ...RATIO, share, chance }, 400, 9);
    expect(stopped).toBeGreaterThanOrEqual(least);
    expect(Math.abs(medianStop / stop - 1)).toBeLessThanOrEqual(0.15);
  });
});
