// What came of running a case on one plane, in the terms every plane can give, and the verdict over it.
import type { Case, Expectation, ExpectedMessage, Fields, GuestName, PlaneName } from "./case.ts";
import type { CallbackName } from "./functions.ts";
import type { ReportedCallback, ReportedOperation } from "./report.ts";
import type { Operation, Section } from "./script.ts";

export interface Message {
  /** 0 for requests. */
  readonly status: number;
  readonly headers: Fields;
  readonly body: string;
  readonly trailers: Fields | null;
}

export interface Outcome {
  /** Of the first filter, then of the second if there is one. */
  readonly reports: readonly (readonly ReportedCallback[])[];
  readonly upstream: Message | null;
  readonly response: Message | null;
  /** Details of a reset or of a reply made by the host or a filter; null when the plane cannot tell. */
  readonly details: string | null;
  readonly faults: readonly string[];
  readonly refused: string | null;
  readonly logs: readonly (readonly [number, string])[];
}

/** Where a case ran. */
export interface Cell {
  readonly guest: GuestName;
  readonly plane: PlaneName;
}

/** What is wrong; empty = passed. */
export function judge(one: Case, outcome: Outcome, cell: Cell): string[] {
  const { expect = {} } = one;
  if (expect.refused !== undefined) {
    const refused = outcome.refused ?? "nothing was refused";
    return refused.includes(expect.refused) ? [] : [`refusal: ${refused}`];
  }
  if (outcome.refused !== null) return [`refused: ${outcome.refused}`];
  const fault = outcome.faults[0] ?? "none";
  const problems = fault === (expect.fault ?? "none") ? [] : [`fault: ${fault}, expected ${expect.fault ?? "none"}`];
  const [first = [], second = []] = outcome.reports;
  problems.push(...judgeFilter(one.script, first, expect, cell, expect.fault !== undefined));
  if (one.second !== undefined) problems.push(...judgeFilter(one.second, second, expect.second ?? {}, cell));
  const { connection } = one;
  if (connection !== undefined) {
    problems.push(...judgeMessage("server", { body: connection.toServer }, outcome.upstream));
    problems.push(...judgeMessage("client", { body: connection.toClient }, outcome.response));
  }
  if (expect.upstream === null && outcome.upstream !== null) problems.push("the upstream got a request");
  if (expect.upstream) problems.push(...judgeMessage("upstream", expect.upstream, outcome.upstream));
  if (expect.response) problems.push(...judgeMessage("response", expect.response, outcome.response));
  if (expect.details !== undefined && outcome.details !== null && outcome.details !== expect.details)
    problems.push(`details: ${outcome.details}, expected ${expect.details}`);
  for (const [level, text] of expect.logged ?? [])
    if (!outcome.logs.some(([is, said]) => is === level && said.includes(text)))
      problems.push(`no log line "${text}" at level ${level}`);
  for (const text of expect.notLogged ?? [])
    if (outcome.logs.some(([, said]) => said === text)) problems.push(`the line "${text}" was logged`);
  return problems;
}

// oxlint-disable-next-line max-params -- the parts of one comparison
function judgeFilter(
  script: readonly Section[],
  reports: readonly ReportedCallback[],
  expect: Expectation,
  cell: Cell,
  mayEndEarly = false,
): string[] {
  return [
    ...script.flatMap((section) => judgeSection(section, reports, mayEndEarly)),
    ...judgeOrder(expect.order, reports, cell),
    ...judgeArgs(expect.args ?? {}, reports, cell),
    ...judgeLifecycle(reports),
  ];
}

function judgeSection(section: Section, reports: readonly ReportedCallback[], mayEndEarly: boolean): string[] {
  const runs = reports.filter(({ callback }) => callback === section.at);
  if (section.at === "allocate") {
    const given = reports.flatMap(({ allocations }) => allocations);
    return mayEndEarly && given.length === 0 ? [] : judgeOperations(section, given);
  }
  const run = section.nth === undefined || section.nth === 0 ? runs[0] : runs[section.nth - 1];
  if (run === undefined) return mayEndEarly || !isReported(section) ? [] : [`${section.at} did not run`];
  return judgeOperations(section, run.operations);
}

/** A callback that ends the guest, or the start-up, does not get to its report. */
function isReported({ does }: Section): boolean {
  return does.length > 0 && !does.some(({ call }) => call.endsWith("proc_exit"));
}

function judgeOperations(section: Section, given: readonly ReportedOperation[]): string[] {
  const { at: callback, does } = section;
  if (given.length < does.length) return [`${callback}: ${given.length} of ${does.length} operations were reported`];
  return does.flatMap((wanted, at) => judgeOperation(wanted, given[at]).map((why) => `${callback}[${at}] ${why}`));
}

function judgeOperation(wanted: Operation, given: ReportedOperation | undefined): string[] {
  if (given === undefined) return [];
  const problems: string[] = [];
  const { call, gives, words = {}, texts = {} } = wanted;
  const allowed =
    gives === undefined ? null : typeof gives === "number" ? [gives >>> 0] : gives.map((one) => one >>> 0);
  if (allowed !== null && !allowed.includes(given.status)) {
    return [`${call} answered ${given.status | 0}, expected ${allowed.map((one) => one | 0).join(" or ")}`];
  }
  for (const [at, value] of Object.entries(words)) {
    const word = given.words.get(Number(at));
    if (word === undefined) problems.push(`${call} did not write the word at ${at}`);
    else if (value !== null && word !== value >>> 0) problems.push(`${call} wrote ${word} at ${at}, expected ${value}`);
  }
  for (const [at, value] of Object.entries(texts)) {
    const text = given.texts.get(Number(at));
    const latin1 = value === null ? null : toLatin1(value);
    if (text === undefined) problems.push(`${call} gave no text ${at}`);
    else if (latin1 !== null && text !== latin1)
      problems.push(`${call} gave ${JSON.stringify(text)}, expected ${JSON.stringify(latin1)}`);
    if (value === "" && given.words.get(Number(at) * 8) !== 0) problems.push(`${call}: an empty value is not (0, 0)`);
  }
  const known = new Set([
    ...Object.keys(words).map(Number),
    ...Object.keys(texts).flatMap((i) => [+i * 8, +i * 8 + 4]),
  ]);
  const stray = [...given.words.keys()].filter((at) => !known.has(at));
  if (gives !== undefined && stray.length > 0) problems.push(`${call} also wrote the words at ${stray.join(", ")}`);
  return problems;
}

const toLatin1 = (value: string | readonly ["hex", string]): string =>
  (typeof value === "string" ? Buffer.from(value) : Buffer.from(value[1], "hex")).toString("latin1");

/** Callbacks that the SDK keeps to itself. */
const HIDDEN_BY_SDK: ReadonlySet<CallbackName> = new Set([
  "initialize",
  "vm_start",
  "validate",
  "context_create",
  "root_create",
  "delete",
  "root_delete",
]);

/** Callbacks outside of the exchange: a plane that shares one filter sees them once, or elsewhere. */
const OF_THE_PLUGIN: ReadonlySet<CallbackName> = new Set([
  "initialize",
  "vm_start",
  "validate",
  "configure",
  "root_create",
  "root_done",
  "root_delete",
]);

const collapsed = (list: readonly string[]): string[] => list.filter((name, at) => name !== list[at - 1]);

function judgeOrder(wanted: Expectation["order"], reports: readonly ReportedCallback[], cell: Cell): string[] {
  if (wanted === undefined) return [];
  const visible = (name: CallbackName): boolean =>
    !(cell.guest === "as" && HIDDEN_BY_SDK.has(name)) && !(cell.plane !== "in-process" && OF_THE_PLUGIN.has(name));
  const tidy = (list: readonly CallbackName[]): string => {
    const seen = list.filter(visible);
    // On a socket the pieces of a body come as they like.
    return (cell.plane !== "in-process" ? collapsed(seen) : seen).join(" ");
  };
  const [given, expected] = [tidy(reports.map(({ callback }) => callback)), tidy(wanted)];
  return given === expected ? [] : [`callbacks were ${given}; expected ${expected}`];
}

function judgeArgs(wanted: Expectation["args"], reports: readonly ReportedCallback[], cell: Cell): string[] {
  if (cell.guest === "as") return [];
  return Object.entries(wanted ?? {}).flatMap(([name, args]) => {
    const run = reports.find(({ callback }) => callback === name);
    if (run === undefined) return [`${name} did not run`];
    const wrong = args.some((value, at) => value !== null && run.args[at] !== value >>> 0);
    return wrong ? [`${name} was given (${run.args.join(", ")}), expected (${args.join(", ")})`] : [];
  });
}

const isTcp = (reports: readonly ReportedCallback[]): boolean =>
  reports.some(({ callback }) => callback === "new_connection");

/**
 * Rules that hold in every case (abi.md 9.8, 9.10, 15.9): nothing after delete, no context created twice, the end of a
 * stream in order (log, done, delete; of a connection done, log, delete).
 */
function judgeLifecycle(reports: readonly ReportedCallback[]): string[] {
  const problems: string[] = [];
  const last = new Map<number, CallbackName>();
  for (const { callback, context } of reports) {
    const before = last.get(context);
    if (before === "delete" || before === "root_delete")
      problems.push(`${callback} after delete on context ${context}`);
    const [early, late] = isTcp(reports) ? (["done", "log"] as const) : (["log", "done"] as const);
    if (before === late && callback !== "delete") problems.push(`${callback} after ${late} on context ${context}`);
    if (before === early && callback !== late) problems.push(`${callback} after ${early} on context ${context}`);
    if (callback === "context_create" && before !== undefined) problems.push(`context ${context} was created twice`);
    last.set(context, callback);
  }
  return problems;
}

function judgeMessage(what: string, wanted: ExpectedMessage, given: Message | null): string[] {
  if (given === null) return [`there is no ${what}`];
  const { status, headers = {}, absent = [], body, trailers } = wanted;
  const problems: string[] = [];
  const value = (list: Fields, name: string): string | undefined => {
    const found = list.filter(([key]) => key === name).map(([, text]) => text);
    return found.length === 0 ? undefined : found.join(", ");
  };
  if (status !== undefined && given.status !== status) problems.push(`${what}: status ${given.status}, not ${status}`);
  for (const [name, text] of Object.entries(headers))
    if (value(given.headers, name) !== text)
      problems.push(
        `${what}: ${name} is ${JSON.stringify(value(given.headers, name))}, expected ${JSON.stringify(text)}`,
      );
  for (const name of absent) if (value(given.headers, name) !== undefined) problems.push(`${what}: ${name} is there`);
  if (body !== undefined && given.body !== body)
    problems.push(
      `${what}: body ${JSON.stringify(given.body.slice(0, 80))}, expected ${JSON.stringify(body.slice(0, 80))}`,
    );
  if (trailers === null && given.trailers !== null && given.trailers.length > 0) problems.push(`${what} has trailers`);
  for (const [name, text] of Object.entries(trailers ?? {}))
    if (value(given.trailers ?? [], name) !== text)
      problems.push(`${what}: trailer ${name} is ${value(given.trailers ?? [], name)}, expected ${text}`);
  return problems;
}
