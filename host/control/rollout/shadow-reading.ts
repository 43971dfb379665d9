// What a rollout and an experiment's report read out of the report of a shadow.
import type { Rehearsed } from "../../experiment/rehearsal.ts";
import type { FieldReport } from "../../replay/tally.ts";
import type { ExperimentShadow } from "../report-types.ts";
import type { ShadowReport } from "../shadow/shadow.ts";

const MAX_FIELDS = 10;
const ENDS = {
  "": "",
  // It is begun anew, or says what is wrong itself.
  version: "",
  fault: "",
  stopped: "it was stopped",
  thread: "its thread ended",
} as const;

const shown = ({ fields }: ShadowReport): readonly FieldReport[] => fields.filter((field) => field.shown);

/** Streams where the candidate trapped; where only the control did, the examples say so. */
const trapped = (report: ShadowReport): number =>
  shown(report)
    .filter(({ field, examples }) => field === "trap" && examples.some(({ b }) => b !== null))
    .reduce((sum, { count }) => sum + count, 0);

export function rehearsedOf(report: ShadowReport | null, problem: string): Rehearsed {
  if (report === null) return { compared: 0, differing: 0, fields: [], diverged: 0, trapped: 0, fault: "", problem };
  const { compared, differing, diverged, fault, ended } = report;
  const fields = shown(report).map(({ phase, field }) => `${phase} ${field}`);
  return { compared, differing, fields, diverged, trapped: trapped(report), fault, problem: ENDS[ended] };
}

/** Without examples: those are traffic, and reading them is written to the audit log. */
export function shadowLink(
  purpose: ExperimentShadow["purpose"],
  report: ShadowReport | null,
  problem: string,
): ExperimentShadow | null {
  if (report === null) return problem === "" ? null : { ...NOTHING, purpose, problem };
  const { filter, state, ended, a, b, percent, startedAt, compared, differing, noise, diverged, dropped, fault } =
    report;
  return {
    purpose,
    problem: ENDS[ended],
    href: `/api/v1/shadows/${encodeURIComponent(filter)}`,
    state,
    ended,
    a: a.version,
    b: b.version,
    percent,
    startedAt,
    compared,
    differing,
    noise,
    diverged,
    dropped,
    fault,
    fields: shown(report)
      .slice(0, MAX_FIELDS)
      .map(({ phase, field, count }) => ({ phase, field, count })),
  };
}

const NOTHING = {
  href: "",
  state: "ended",
  ended: "",
  a: "",
  b: "",
  percent: 0,
  startedAt: "",
  compared: 0,
  differing: 0,
  noise: { compared: 0, differing: 0 },
  diverged: 0,
  dropped: 0,
  fault: "",
  fields: [],
} as const;
