// The in-process plane: cases through the host's VM and chain over the harness of host/testing, with virtual time.
import { Harness, ProblemError, type TestConnection, type TestExchange } from "../../../host/testing.ts";
import type { CalloutFailure } from "../../../host/plugin/callout-port.ts";
import { DEFAULT_LIMITS } from "../../../host/plugin/defaults.ts";
import type { FilterOptions } from "../../../host/plugin/options.ts";
import type { Case, CaseConnection, CaseResponse, Fields } from "../case.ts";
import type { Message, Outcome } from "../outcome.ts";
import { parseReport, type ReportedCallback } from "../report.ts";
import { scriptConfig, scriptText, type Section } from "../script.ts";
import type { HeaderList } from "../../../host/abi/headers.ts";

const NAMES = ["first", "second"] as const;
const PATIENCE_MS = 2000;
const STEP_MS = 10;

export function runInProcess(one: Case, wasm: Uint8Array): Outcome {
  let harness: Harness;
  try {
    harness = new Harness(filtersOf(one, wasm), { logLevel: 0 });
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return { ...NOTHING, refused: error.message };
  }
  for (const [path, answer] of Object.entries(one.callouts ?? {}))
    for (const method of ["GET", "POST"]) harness.upstream("web").on(`${method} ${path}`, scripted(answer));
  harness.upstream("web");
  harness.upstream("web").grpc("pkg.Service/Method", { status: 14, message: "no gRPC here" });
  harness.upstream("web").grpc("s/m", { status: 14 });
  const exchange = one.request === null ? null : drive(one, harness);
  const connection = one.connection === undefined ? null : connect(one, one.connection, harness);
  if (exchange === null && connection === null) settle(one, harness);
  harness.close();
  harness.clock.advance(1);
  return connection === null
    ? outcomeOf(one, harness, exchange)
    : { ...outcomeOf(one, harness, null), ...seenOf(connection) };
}

function connect(one: Case, { fromClient, fromServer }: CaseConnection, harness: Harness): TestConnection {
  const connection = harness.connect();
  for (const [at, piece] of fromClient.entries()) connection.fromClient(piece, at === fromClient.length - 1);
  settle(one, harness);
  for (const [at, piece] of fromServer.entries()) connection.fromUpstream(piece, at === fromServer.length - 1);
  settle(one, harness);
  return connection.closeClient().end();
}

function seenOf({ toUpstream, toClient, resetDetails, closeDetails }: TestConnection) {
  const message = (body: string): Message => ({ status: 0, headers: [], body, trailers: null });
  return {
    upstream: message(toUpstream.bytes.toString("latin1")),
    response: message(toClient.bytes.toString("latin1")),
    details: resetDetails ?? closeDetails,
  };
}

const NOTHING: Outcome = {
  reports: [],
  upstream: null,
  response: null,
  details: null,
  faults: [],
  refused: null,
  logs: [],
};

function filtersOf(one: Case, wasm: Uint8Array) {
  const { delivery = "header", setup = {} } = one;
  const scripts = one.second === undefined ? [one.script] : [one.script, one.second];
  return scripts.map((script, at) => ({
    name: NAMES[at] ?? "third",
    wasm,
    config: delivery === "configuration" ? scriptConfig(script) : "",
    options: optionsOf(setup, delivery === "environment" ? script : null),
  }));
}

function optionsOf(setup: NonNullable<Case["setup"]>, startScript: readonly Section[] | null): Partial<FilterOptions> {
  const { memoryBytes, fuel, environment = {}, ...rest } = setup;
  return {
    ...rest,
    environment: startScript === null ? environment : { SCRIPT: scriptText(startScript) },
    limits: { ...DEFAULT_LIMITS, memoryBytes: memoryBytes ?? 64 * 1024 * 1024, fuel: fuel ?? 10_000_000 },
  };
}

function scripted(answer: CaseResponse | string) {
  if (typeof answer === "string") return { fail: answer as CalloutFailure };
  const { status = 200, headers = [], chunks = [], trailers } = answer;
  return {
    status,
    headers: Object.fromEntries(headers),
    body: chunks.join(""),
    ...(trailers === undefined ? {} : { trailers: Object.fromEntries(trailers) }),
  };
}

const flat = (fields: Fields = []): HeaderList => fields.flatMap(([name, value]) => [name.toLowerCase(), value]);
const buffer = (chunk: string): Buffer => Buffer.from(chunk, "latin1");

function drive(one: Case, harness: Harness): TestExchange {
  const { method = "GET", path = "/", headers = [], chunks = [], trailers } = one.request ?? {};
  const exchange = harness.open();
  const { stream } = exchange;
  const script: Fields = (one.delivery ?? "header") === "header" ? [["x-script", scriptText(one.script)]] : [];
  const head = [":method", method, ":scheme", "http", ":authority", "test", ":path", path];
  stream.requestHeaders([...head, ...flat(headers), ...flat(script)], chunks.length === 0 && trailers === undefined);
  send(chunks, trailers, (chunk, last) => stream.requestBody(chunk, last));
  if (trailers !== undefined) stream.requestTrailers(flat(trailers));
  // Call-outs are answered with the next tick of the clock.
  harness.clock.advance(1);
  settle(one, harness);
  if (exchange.upstreamRequest !== null && exchange.replyDetails === null && exchange.resetDetails === null) {
    respond(one.response ?? {}, exchange);
    harness.clock.advance(1);
    settle(one, harness);
  }
  exchange.end();
  return exchange;
}

function respond({ status = 200, headers = [], chunks = [], trailers }: CaseResponse, exchange: TestExchange): void {
  const { stream } = exchange;
  exchange.facts.responseCode = status;
  const ended = chunks.length === 0 && trailers === undefined;
  stream.responseHeaders([":status", String(status), ...flat(headers)], ended);
  send(chunks, trailers, (chunk, last) => stream.responseBody(chunk, last));
  if (trailers !== undefined) stream.responseTrailers(flat(trailers));
}

function send(
  chunks: readonly string[],
  trailers: Fields | undefined,
  to: (chunk: Buffer, last: boolean) => void,
): void {
  for (const [at, chunk] of chunks.entries()) to(buffer(chunk), trailers === undefined && at === chunks.length - 1);
}

/** Lets time pass: as long as the case says, and until a callback it waits for has run. */
function settle(one: Case, harness: Harness): void {
  if (one.waitMs !== undefined) harness.clock.advance(one.waitMs);
  const { until } = one;
  if (until === undefined) return;
  for (let passed = 0; passed < PATIENCE_MS; passed += STEP_MS) {
    if (reportsOf(harness, NAMES[0]).some(({ callback }) => callback === until)) return;
    harness.clock.advance(STEP_MS);
  }
}

const reportsOf = (harness: Harness, filter: string): ReportedCallback[] =>
  harness.logs.filter((line) => line.filter === filter).flatMap(({ message }) => parseReport(message) ?? []);

function outcomeOf(one: Case, harness: Harness, exchange: TestExchange | null): Outcome {
  const message = (recorded: TestExchange["response"], status: number): Message | null =>
    recorded === null
      ? null
      : {
          status,
          headers: fieldsOf(recorded.list),
          body: recorded.bytes.toString("latin1"),
          trailers: recorded.trailers === null ? null : fieldsOf(recorded.trailers),
        };
  return {
    reports: (one.second === undefined ? [NAMES[0]] : NAMES).map((name) => reportsOf(harness, name)),
    upstream: message(exchange?.upstreamRequest ?? null, 0),
    response: message(exchange?.response ?? null, exchange?.response?.status ?? 0),
    details: exchange?.resetDetails ?? exchange?.replyDetails ?? null,
    faults: harness.faults.map(({ fault }) => fault.reason),
    refused: null,
    logs: harness.logs.map(({ level, message: said }) => [level, said] as const),
  };
}

const fieldsOf = (list: HeaderList): Fields =>
  list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? ""] as const] : []));
