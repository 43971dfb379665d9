// The canary's thread: starts a filter with state of its own (shared data, queues and metrics are thrown away, call-outs
// are refused) and says whether it would live.
import { parentPort } from "node:worker_threads";
import { systemClock } from "../base/clock.ts";
import { toProblems } from "../base/problem.ts";
import { collectGarbage } from "../base/collect-garbage.ts";
import { systemRandom } from "../base/random.ts";
import { Generation } from "../plugin/generation.ts";
import type { PluginServices } from "../plugin/services.ts";
import { privateState } from "../plugin/private-state.ts";
import type { CanaryAnswer, CanaryRequest } from "./canary.ts";

/** Of one trial: a guest that finds what an earlier one left could tell the canary from a data thread. */
const servicesOfTrial = (): PluginServices => ({
  clock: systemClock,
  random: systemRandom,
  ...privateState(() => {}),
  callouts: { hasCluster: () => false, send: () => ({ cancel: () => {} }) },
  grpc: { hasCluster: () => false, start: () => ({ send: () => false, close: () => {}, cancel: () => {} }) },
  logLevel: () => 4,
  log: () => {},
  faulted: () => {},
});

/** Trials between two collections: each leaves a module and its memory behind. */
const TRIALS_PER_COLLECTION = 64;
let trials = 0;

parentPort?.on("message", ({ id, generation, module }: CanaryRequest) => {
  const { options, overrides } = generation;
  const configs = [...new Set([options.pluginConfig, ...Object.values(overrides)])];
  parentPort?.postMessage({ id, began: true } satisfies CanaryAnswer);
  let answer: CanaryAnswer;
  try {
    const trial = new Generation({ ...generation, configs }, module, servicesOfTrial());
    answer = { id, began: false, problems: [], startUse: trial.startUse };
    trial.drain(0, () => {});
  } catch (error) {
    answer = { id, began: false, problems: toProblems(error), startUse: 0 };
  }
  parentPort?.postMessage(answer);
  if (++trials % TRIALS_PER_COLLECTION === 0) collectGarbage();
});
