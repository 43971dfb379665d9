// What tests say about exchanges and harnesses. Plain functions without a test framework; testing/vitest.ts registers them.
// A failing one shows what filters did last and the source line where one of them ended.
import { describeFault, storyOf, type Harness, type RecordedMessage, type TestExchange } from "../../host/testing.ts";

export interface Verdict {
  readonly pass: boolean;
  readonly message: () => string;
}

export interface CallPattern {
  readonly method?: string;
  readonly path?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "critical"] as const;
/** Lines of the trace under a failure. */
const TAIL = 30;
/** Exchanges of a leak check, and how many of them may still make the memory grow. */
const LEAK_RUNS = 1000;
const WARM_UP = 100;
const PAGE = 65_536;

const shown = (value: unknown): string => JSON.stringify(value) ?? "nothing";

function verdict(pass: boolean, sentence: (not: string) => string, detail: () => string = () => ""): Verdict {
  return { pass, message: () => `expected ${sentence(pass ? "not " : "")}${detail()}` };
}

/** Faults first: they are nearly always the reason. */
function detailOf(exchange: TestExchange | Harness): string {
  const faults = exchange.faults.map((fault) => `\n  ${describeFault(fault)}`).join("");
  const lines = storyOf(exchange.trace);
  const tail = lines.slice(-TAIL).map((line) => `\n  ${line}`);
  const cut = lines.length > TAIL ? `\n  ... ${lines.length - TAIL} lines before` : "";
  return `${faults}${tail.length === 0 ? "" : `\n\nwhat the filters did:${cut}${tail.join("")}`}`;
}

/** A message (`x.upstreamRequest`, `x.response`) has the header, with that value if one is given. */
export function toHaveHeader(message: RecordedMessage | null, name: string, value?: string | RegExp): Verdict {
  const found = message?.header(name);
  const fits =
    value === undefined || (value instanceof RegExp ? found !== undefined && value.test(found) : found === value);
  const wanted = value === undefined ? name : `${name}: ${value instanceof RegExp ? String(value) : value}`;
  const there = found === undefined ? "it is not there" : `it is ${shown(found)}`;
  const what = message === null ? "there is no message: the filters have not let it pass" : there;
  return verdict(found !== undefined && fits, (not) => `the message ${not}to have the header ${wanted}; ${what}`);
}

/** A filter answered itself. */
export function toHaveReplied(exchange: TestExchange, status?: number, body?: string): Verdict {
  const { reply } = exchange;
  const fits =
    reply !== null && [status ?? reply.status, body ?? reply.body].join() === [reply.status, reply.body].join();
  const got = reply === null ? `it is ${exchange.state}` : `it replied ${reply.status} ${shown(reply.body)}`;
  const wanted = [status, body === undefined ? undefined : shown(body)].filter((one) => one !== undefined).join(" ");
  return verdict(
    fits,
    (not) => `a filter ${not}to have replied ${wanted}; ${got} (${exchange.replyDetails ?? "no reply"})`,
    () => detailOf(exchange),
  );
}

/** The request (and the response, if it came) went through. */
export function toContinue(exchange: TestExchange): Verdict {
  const pass = exchange.state === "running" || exchange.state === "done";
  return verdict(
    pass,
    (not) =>
      `the exchange ${not}to go on; it is ${exchange.state}${exchange.replyDetails === null ? "" : ` (${exchange.replyDetails})`}`,
    () => detailOf(exchange),
  );
}

/** A filter holds it. */
export function toPause(exchange: TestExchange): Verdict {
  return verdict(
    exchange.state === "paused",
    (not) => `the exchange ${not}to be paused; it is ${exchange.state}`,
    () => detailOf(exchange),
  );
}

/** A call-out was sent to the cluster. Takes a harness, or an exchange (which knows the calls of its harness). */
export function toHaveCalled(one: Harness | TestExchange, cluster: string, pattern: CallPattern = {}): Verdict {
  const { method, path, headers = {}, body } = pattern;
  const fits = one.calls.some(
    (call) =>
      call.cluster === cluster &&
      (method ?? call.method) === call.method &&
      (path ?? call.path) === call.path &&
      (body ?? call.body) === call.body &&
      Object.entries(headers).every(([name, value]) => hasPair(call.headers, name.toLowerCase(), value)),
  );
  const seen = one.calls.map((call) => `\n  ${call.cluster}: ${call.method} ${call.path} ${shown(call.body)}`).join("");
  return verdict(
    fits,
    (not) => `a call-out ${not}to ${cluster} like ${shown(pattern)}; there were ${one.calls.length}:${seen}`,
    () => detailOf(one),
  );
}

const hasPair = (list: readonly string[], name: string, value: string): boolean =>
  list.some((one, at) => at % 2 === 0 && one === name && list[at + 1] === value);

/** A filter wrote a log line of this level that holds the text. */
export function toHaveLogged(harness: Harness, level: (typeof LEVELS)[number], text: string | RegExp): Verdict {
  const wanted = LEVELS.indexOf(level);
  const fits = harness.logs.some(
    (line) => line.level === wanted && (text instanceof RegExp ? text.test(line.message) : line.message.includes(text)),
  );
  const lines = harness.logs.map((line) => `\n  ${LEVELS[line.level] ?? line.level} ${line.filter}: ${line.message}`);
  return verdict(fits, (not) => `${not}a ${level} line with ${String(text)}; the log is:${lines.join("") || " empty"}`);
}

/** A filter's counter, gauge or histogram (its sum) has the value, summed over labels that are not named. */
export function toHaveMetric(
  harness: Harness,
  name: string,
  value: number,
  labels: Readonly<Record<string, string>> = {},
): Verdict {
  const found = harness.metric(name, labels);
  const all = harness.metrics().map((one) => `\n  ${one.name} ${shown(one.labels)} ${shown(one.value)}`);
  return verdict(
    found === value,
    (not) => `${name} ${not}to be ${value}; it is ${found} in:${all.join("") || " nothing"}`,
  );
}

/**
 * No stream, context or call-out is left and nothing trapped. With `run`: after a thousand runs of it the filters' memory
 * is as large as after the first hundred.
 */
export function toHaveNoLeaks(harness: Harness, run?: () => void, times = LEAK_RUNS): Verdict {
  const growth = run === undefined ? 0 : growthOf(harness, run, times);
  const { streams, contexts } = harness.leaks();
  const calls = harness.pendingCalls;
  const left = { streams, contexts, calls, faults: harness.faults.length, growth };
  return verdict(
    Object.values(left).every((count) => count === 0),
    (not) =>
      `${not}to find nothing left; there are ${streams} open streams, ${contexts} contexts, ${calls} pending call-outs, ` +
      `${left.faults} faults, and the memory grew by ${growth} bytes. Is an exchange without end()?`,
    () => detailOf(harness),
  );
}

function growthOf(harness: Harness, run: () => void, times: number): number {
  let before = 0;
  for (let round = 0; round < times; round++) {
    if (round === Math.min(WARM_UP, times >> 1)) before = harness.memoryBytes();
    run();
  }
  const grown = harness.memoryBytes() - before;
  return grown > PAGE ? grown : 0;
}

/** No callback of the exchange used more points. Of a release build: what debug builds use is beside the point. */
export function toUseAtMostFuel(exchange: TestExchange, points: number): Verdict {
  const costly = exchange.trace.toSorted((a, b) => (b.fuel ?? 0) - (a.fuel ?? 0))[0];
  const used = costly?.fuel ?? null;
  const got = costly === undefined || used === null ? "nothing was counted" : `${costly.name} used ${used}`;
  return verdict(used !== null && used <= points, (not) => `callbacks ${not}to use at most ${points} points; ${got}`);
}
