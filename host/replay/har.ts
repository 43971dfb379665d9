// A recording as HTTP Archive 1.2, for people and their browsers: one entry per stream, as the filter saw request and answer.
// Bodies stay in the recording.
import type { BeginLine, InLine } from "./events.ts";
import type { Recording } from "./jsonl.ts";
import { type Step, Steps } from "./steps.ts";

interface Seen {
  readonly begin: BeginLine;
  request: readonly string[];
  response: readonly string[];
  requestBytes: number;
  responseBytes: number;
  /** Monotonic ms of the first and the last event. */
  firstMs: number;
  lastMs: number;
}

export function toHar({ header, lines }: Recording): object {
  const open = new Map<string, Seen>();
  const entries: object[] = [];
  const steps = new Steps(2);
  for (const line of lines) {
    const step = steps.add(line);
    if (step !== null) see(step, open, entries);
  }
  const creator = { name: "sluice", version: `${header.filter} ${header.version}` };
  return { log: { version: "1.2", creator, entries } };
}

function see(step: Step, open: Map<string, Seen>, entries: object[]): void {
  if (step.kind === "begin") {
    const empty = { request: [], response: [], requestBytes: 0, responseBytes: 0, firstMs: NaN, lastMs: NaN };
    open.set(`${step.vm} ${step.begins.c}`, { begin: step.begins, ...empty });
  }
  if (step.kind === "callback") note(open.get(`${step.vm} ${step.in.c}`), step.in);
  if (step.kind !== "end") return;
  const seen = open.get(`${step.vm} ${step.ends.c}`);
  open.delete(`${step.vm} ${step.ends.c}`);
  if (seen !== undefined) entries.push(entryOf(seen));
}

function note(seen: Seen | undefined, { fn, maps, body, mono }: InLine): void {
  if (seen === undefined) return;
  if (Number.isNaN(seen.firstMs)) seen.firstMs = mono;
  seen.lastMs = mono;
  if (seen.request.length === 0) seen.request = maps?.[0] ?? [];
  if (maps?.[2] !== undefined) seen.response = maps[2];
  if (fn === "proxy_on_request_body") seen.requestBytes += body?.n ?? 0;
  if (fn === "proxy_on_response_body") seen.responseBytes += body?.n ?? 0;
}

const valueOf = (list: readonly string[], name: string): string =>
  list[list.findIndex((text, at) => at % 2 === 0 && text === name) + 1] ?? "";
const fields = (list: readonly string[]): object[] =>
  list.flatMap((name, at) => (at % 2 === 0 && !name.startsWith(":") ? [{ name, value: list[at + 1] ?? "" }] : []));

function entryOf({ begin, request, response, requestBytes, responseBytes, ...times }: Seen): object {
  const { facts } = begin;
  const time = Math.max(0, times.lastMs - times.firstMs) || 0;
  const httpVersion = String(facts["protocol"] ?? "HTTP/1.1");
  const common = { httpVersion, cookies: [], headersSize: -1 };
  const url = `${valueOf(request, ":scheme") || "http"}://${valueOf(request, ":authority")}${valueOf(request, ":path")}`;
  return {
    startedDateTime: new Date(Number(facts["startMs"] ?? 0)).toISOString(),
    time,
    request: {
      method: valueOf(request, ":method"),
      url,
      ...common,
      headers: fields(request),
      queryString: [...new URLSearchParams(url.split("?")[1] ?? "")].map(([name, value]) => ({ name, value })),
      bodySize: requestBytes,
    },
    response: {
      status: Number(valueOf(response, ":status")),
      statusText: "",
      ...common,
      headers: fields(response),
      content: { size: responseBytes, mimeType: valueOf(response, "content-type") },
      redirectURL: "",
      bodySize: responseBytes,
    },
    cache: {},
    timings: { send: 0, wait: time, receive: 0 },
    _requestId: String(facts["requestId"] ?? ""),
  };
}
