// What a phase was expected to do against what it did -> failures, each with both sides for the report. The rules are those
// of Google's runner (plugins/test/dynamic_test.cc); where ours differ, the comment says so.
import type { HeaderList } from "../abi/headers.ts";
import type { Matcher } from "./matcher.ts";
import type { ReadyExpectation } from "./ready.ts";
import type { PhaseOutcome } from "./session.ts";

export interface Failure {
  /** The suite's word for the phase: `request_headers`. */
  readonly phase: string;
  readonly message: string;
  readonly expected?: string;
  readonly actual?: string;
}

type Complaint = Omit<Failure, "phase">;

/** Longer texts are cut in reports. */
const SHOWN = 2000;
const UNSET = 2 ** 32;

const shorten = (text: string): string => (text.length > SHOWN ? `${text.slice(0, SHOWN)}...` : text);
const quoted = (text: string): string => shorten(JSON.stringify(text));
const list = (lines: readonly string[]): string =>
  lines.length === 0 ? "nothing" : shorten(lines.map((line) => JSON.stringify(line)).join("\n"));

/** One value per name, repeated ones joined in order (RFC 9110 5.3), as Google's header map keeps them. */
function coalesce(headers: HeaderList): ReadonlyMap<string, string> {
  const map = new Map<string, string>();
  for (let at = 0; at < headers.length; at += 2) {
    const name = (headers[at] ?? "").toLowerCase();
    const value = headers[at + 1] ?? "";
    const before = map.get(name) ?? "";
    map.set(name, before === "" ? value : `${before}, ${value}`);
  }
  return map;
}

function checkHeaders(expect: ReadyExpectation, headers: ReadonlyMap<string, string>): Complaint[] {
  const found: Complaint[] = [];
  for (const [name, value] of expect.hasHeader) {
    const actual = headers.get(name);
    if (actual === value) continue;
    const message = actual === undefined ? `header "${name}" is missing` : `header "${name}" has another value`;
    found.push({ message, expected: quoted(value), actual: actual === undefined ? "nothing" : quoted(actual) });
  }
  for (const name of expect.noHeader) {
    const actual = headers.get(name);
    if (actual !== undefined)
      found.push({ message: `header "${name}" is there`, expected: "nothing", actual: quoted(actual) });
  }
  const lines = [...headers].map(([name, value]) => `${name}: ${value}`);
  for (const matcher of expect.headers) {
    const isThere = [...headers].some(([name, value]) => matcher.isLine(name, value));
    if (isThere === matcher.invert) found.push(complaint("header line", matcher, list(lines)));
  }
  return found;
}

function complaint(what: string, matcher: Matcher, actual: string): Complaint {
  const message = matcher.invert ? `a ${what} that should not be there` : `no such ${what}`;
  return { message, expected: `${matcher.invert ? "not " : ""}${shorten(matcher.words)}`, actual };
}

function checkBody(expect: ReadyExpectation, body: Buffer): Complaint[] {
  return expect.body
    .filter((matcher) => matcher.is(body) === matcher.invert)
    .map((matcher) => {
      const wanted = matcher.exact === null || matcher.invert ? null : quoted(matcher.exact.toString("utf8"));
      const told = complaint("body", matcher, quoted(body.toString("utf8")));
      return wanted === null ? told : { ...told, message: "another body", expected: wanted };
    });
}

/** Logs are the only effect the life-cycle phases (plugin_init, stream_init, stream_destroy) are asked about. */
export function checkLogs(phase: string, expect: ReadyExpectation, logs: readonly string[]): Failure[] {
  return expect.log
    .filter((matcher) => logs.some((line) => matcher.is(Buffer.from(line))) === matcher.invert)
    .map((matcher) => ({ phase, ...complaint("log line", matcher, list(logs)) }));
}

function checkReply(expect: ReadyExpectation, outcome: PhaseOutcome): Complaint[] {
  const { immediate } = expect;
  const { reply, paused } = outcome;
  if (immediate === null) return checkNoReply(outcome);
  if (reply === null) {
    const actual = paused ? "the filter waits" : "the filter lets it pass";
    return [{ message: "no immediate response", expected: "an immediate response", actual }];
  }
  const found: Complaint[] = [];
  const compare = (what: string, expected: string | undefined, actual: string): void => {
    if (expected !== undefined && expected !== actual) found.push({ message: `another ${what}`, expected, actual });
  };
  compare("HTTP status", immediate.http?.toString(), String(reply.status));
  // Not set is -1, which is 2^32 - 1 in the proto's uint32.
  compare("gRPC status", immediate.grpc?.toString(), String((reply.grpcStatus + UNSET) % UNSET));
  // The host writes details as one word, as Envoy does.
  const details = immediate.details?.replaceAll(/\s/g, "_");
  compare("details", details === undefined ? undefined : quoted(details), quoted(reply.details));
  return found;
}

/** Nobody expected an answer. Differs from Google's runner, which does not look at replies from body phases at all. */
function checkNoReply({ reply, paused }: PhaseOutcome): Complaint[] {
  if (reply !== null) {
    const actual = `${reply.status} ${quoted(String(reply.body))}${reply.details === "" ? "" : ` (${reply.details})`}`;
    return [{ message: "an immediate response nobody expected", expected: "none", actual }];
  }
  return paused
    ? [{ message: "the filter waits", expected: "it lets the message pass", actual: "nothing came out" }]
    : [];
}

const isAsking = ({ hasHeader, noHeader, headers, body, log, immediate }: ReadyExpectation): boolean =>
  [hasHeader, noHeader, headers, body, log].some((one) => one.length > 0) || immediate !== null;

/** Failures of one phase that sends headers or a body. */
export function checkPhase(phase: string, expect: ReadyExpectation, outcome: PhaseOutcome): Failure[] {
  if (outcome.skipped) {
    const message = "not run: the stream was answered in an earlier phase";
    return isAsking(expect) ? [{ phase, message }] : [];
  }
  const found = [
    ...checkReply(expect, outcome),
    ...checkHeaders(expect, coalesce(outcome.headers)),
    ...checkBody(expect, outcome.body),
  ];
  return [...found.map((one) => ({ phase, ...one })), ...checkLogs(phase, expect, outcome.logs)];
}
