// A suite made ready to play: bodies read and cut into chunks, heads parsed, expressions compiled. Whatever can be wrong
// with a suite is found here, with its place, before a filter runs. Called by load.ts.
import { readFileSync } from "node:fs";
import { isAbsolute, join } from "node:path";
import type { HeaderList } from "../abi/headers.ts";
import type { Problem } from "../base/problem.ts";
import { HeadError, parseHead } from "./http-head.ts";
import { type Matcher, toMatcher } from "./matcher.ts";
import type { Expectation, HeaderPair, Invocation, StringMatcher, SuiteInput, SuiteTest } from "./schema.ts";
import type { Range, Source } from "./source.ts";

export interface ReadyExpectation {
  readonly hasHeader: readonly (readonly [string, string])[];
  readonly noHeader: readonly string[];
  readonly headers: readonly Matcher[];
  readonly body: readonly Matcher[];
  readonly log: readonly Matcher[];
  readonly immediate: { readonly http?: number; readonly grpc?: number; readonly details?: string } | null;
}

export interface ReadyHeaders {
  readonly list: HeaderList;
  readonly expect: ReadyExpectation;
}

export interface ReadyBody {
  readonly chunks: readonly Buffer[];
  readonly expect: ReadyExpectation;
}

export interface ReadyTest {
  readonly name: string;
  readonly benchmark: boolean;
  readonly properties: ReadonlyMap<string, Buffer>;
  readonly requestHeaders: ReadyHeaders | null;
  readonly requestBody: readonly ReadyBody[];
  readonly responseHeaders: ReadyHeaders | null;
  readonly responseBody: readonly ReadyBody[];
  readonly pluginInit: ReadyExpectation;
  readonly streamInit: ReadyExpectation;
  readonly streamDestroy: ReadyExpectation;
}

const NOTHING: ReadyExpectation = { hasHeader: [], noHeader: [], headers: [], body: [], log: [], immediate: null };
const EMPTY = Buffer.alloc(0);

export class Preparer {
  readonly problems: Problem[] = [];
  readonly #source: Source;
  /** Where relative paths of the suite begin. */
  readonly #folder: string;

  constructor(source: Source, folder: string) {
    this.#source = source;
    this.#folder = folder;
  }

  test(test: SuiteTest): ReadyTest {
    const { num_chunks: count, chunk_size: size, request_headers: request, response_headers: response } = test;
    for (const [name, value] of Object.entries({ num_chunks: count, chunk_size: size }))
      if (value !== undefined && value < 1) this.#add(`${name}: expected 1 or more, got ${value}`, test.at);
    return {
      name: test.name ?? "",
      benchmark: test.benchmark ?? false,
      properties: new Map(test.properties.map(({ path = "", value = EMPTY }) => [path, value])),
      requestHeaders: request === undefined ? null : this.#headers(request, "request"),
      requestBody: this.#bodies(test, "request_body"),
      responseHeaders: response === undefined ? null : this.#headers(response, "response"),
      responseBody: this.#bodies(test, "response_body"),
      pluginInit: this.#expectation(test.plugin_init),
      streamInit: this.#expectation(test.stream_init),
      streamDestroy: this.#expectation(test.stream_destroy),
    };
  }

  /** A file the suite names; null (and a problem) when it cannot be read. */
  read(path: string, at: Range): Buffer | null {
    try {
      return readFileSync(isAbsolute(path) ? path : join(this.#folder, path));
    } catch (error) {
      const reason = error instanceof Error && "code" in error ? String(error.code) : String(error);
      this.#add(`${path} cannot be read (${reason})`, at, "paths are relative to the suite");
      return null;
    }
  }

  #add(message: string, at: Range, hint = ""): void {
    this.problems.push(this.#source.problem("bad_value", message, at, hint));
  }

  #headers({ input, result }: Invocation, side: "request" | "response"): ReadyHeaders {
    return { list: input === undefined ? [] : this.#list(input, side), expect: this.#expectation(result) };
  }

  #list(input: SuiteInput, side: "request" | "response"): HeaderList {
    const text = input.file === undefined ? input.content : (this.read(input.file, input.at) ?? undefined);
    if (text === undefined || text.length === 0) return toList(input.header);
    try {
      return parseHead(text.toString("latin1"), side);
    } catch (error) {
      if (!(error instanceof HeadError)) throw error;
      this.#add(error.message, input.at, "headers are written as HTTP/1: a start line, then `Name: value` lines");
      return [];
    }
  }

  #bodies(test: SuiteTest, field: "request_body" | "response_body"): readonly ReadyBody[] {
    const invocations = test[field];
    const hasPlan = test.num_chunks !== undefined || test.chunk_size !== undefined;
    const second = invocations[1];
    if (hasPlan && second !== undefined) this.#add(`a chunking plan takes one ${field}, not several`, second.at);
    return invocations.map(({ input, result }) => {
      if (input !== undefined && input.header.length > 0) this.#add(`${field}: a body has no headers`, input.at);
      const bytes = input?.file === undefined ? input?.content : (this.read(input.file, input.at) ?? EMPTY);
      return { chunks: chunksOf(bytes ?? EMPTY, test), expect: this.#expectation(result) };
    });
  }

  #expectation(expect: Expectation | undefined): ReadyExpectation {
    if (expect === undefined) return NOTHING;
    const { has_header: has, no_header: no, immediate } = expect;
    for (const { key = "", at } of [...has, ...no]) if (key === "") this.#add("a header needs its key", at);
    return {
      hasHeader: has.map(({ key = "", value = EMPTY }) => [key.toLowerCase(), value.toString("latin1")] as const),
      noHeader: no.map(({ key = "" }) => key.toLowerCase()),
      headers: this.#matchers(expect.headers),
      body: this.#matchers(expect.body),
      log: this.#matchers(expect.log),
      immediate: immediate === undefined ? null : toImmediate(immediate),
    };
  }

  #matchers(list: readonly StringMatcher[]): readonly Matcher[] {
    return list.flatMap((matcher) => {
      const file = matcher.file === undefined ? undefined : (this.read(matcher.file, matcher.at) ?? EMPTY);
      const made = toMatcher(matcher, file);
      if (typeof made !== "string") return [made];
      this.#add(made, matcher.at);
      return [];
    });
  }
}

function toImmediate(given: NonNullable<Expectation["immediate"]>): NonNullable<ReadyExpectation["immediate"]> {
  const { http_status: http, grpc_status: grpc, details } = given;
  return {
    ...(http === undefined ? {} : { http }),
    ...(grpc === undefined ? {} : { grpc }),
    ...(details === undefined ? {} : { details }),
  };
}

/** Pseudo headers first, whatever the order in the suite; names as HTTP/2 has them. */
function toList(pairs: readonly HeaderPair[]): HeaderList {
  const list = pairs.map(({ key = "", value = EMPTY }) => [key.toLowerCase(), value.toString("latin1")] as const);
  const isPseudo = ([name]: readonly [string, string]): boolean => name.startsWith(":");
  return [...list.filter(isPseudo), ...list.filter((pair) => !isPseudo(pair))].flat();
}

/** A plan of N chunks gives the remainder to the last one. Without bytes there is one empty chunk. */
function chunksOf(body: Buffer, plan: SuiteTest): readonly Buffer[] {
  const { num_chunks: count, chunk_size: size } = plan;
  if (count === undefined && size === undefined) return [body];
  const length = Math.max(1, size ?? Math.floor(body.length / Math.max(1, count ?? 1)));
  const most = count ?? Infinity;
  const chunks: Buffer[] = [];
  for (let at = 0; at < body.length;) {
    const end = chunks.length + 1 === most ? body.length : Math.min(body.length, at + length);
    chunks.push(body.subarray(at, end));
    at = end;
  }
  return chunks.length === 0 ? [body] : chunks;
}
