// The suite format as a table: the messages of Google's service-extensions plugin tester (plugins/test/runner.proto,
// package service_extensions_samples.pb). The types the runner works with are derived from the same table.
import type { Range } from "./source.ts";

const BOOL = { type: "bool" } as const;
const STRING = { type: "string" } as const;
const BYTES = { type: "bytes" } as const;
const INT32 = { type: "int32" } as const;
const INT64 = { type: "int64" } as const;
const UINT32 = { type: "uint32" } as const;
const UINT64 = { type: "uint64" } as const;

const STRING_MATCHER = {
  type: "message",
  name: "StringMatcher",
  oneofs: [["exact", "regex", "file"]],
  fields: { invert: BOOL, exact: BYTES, regex: STRING, file: STRING },
} as const;

const HEADER = { type: "message", name: "Header", oneofs: [], fields: { key: STRING, value: BYTES } } as const;

const INPUT = {
  type: "message",
  name: "Input",
  // "Only one of these fields may be provided": said in prose there, held to here.
  oneofs: [["header", "content", "file"]],
  fields: { header: { type: "many", of: HEADER }, content: BYTES, file: STRING },
} as const;

const IMMEDIATE = {
  type: "message",
  name: "Immediate",
  oneofs: [],
  fields: { http_status: UINT32, grpc_status: UINT32, details: STRING },
} as const;

const EXPECTATION = {
  type: "message",
  name: "Expectation",
  oneofs: [],
  fields: {
    has_header: { type: "many", of: HEADER },
    no_header: { type: "many", of: HEADER },
    headers: { type: "many", of: STRING_MATCHER },
    body: { type: "many", of: STRING_MATCHER },
    immediate: IMMEDIATE,
    log: { type: "many", of: STRING_MATCHER },
  },
} as const;

const INVOCATION = {
  type: "message",
  name: "Invocation",
  oneofs: [],
  fields: { input: INPUT, result: EXPECTATION },
} as const;

const PROPERTY = { type: "message", name: "Property", oneofs: [], fields: { path: STRING, value: BYTES } } as const;

const TEST = {
  type: "message",
  name: "Test",
  oneofs: [["num_chunks", "chunk_size"]],
  fields: {
    name: STRING,
    benchmark: BOOL,
    num_chunks: INT32,
    chunk_size: INT64,
    properties: { type: "many", of: PROPERTY },
    request_headers: INVOCATION,
    request_body: { type: "many", of: INVOCATION },
    response_headers: INVOCATION,
    response_body: { type: "many", of: INVOCATION },
    plugin_init: EXPECTATION,
    stream_init: EXPECTATION,
    stream_destroy: EXPECTATION,
  },
} as const;

const LOG_LEVEL = {
  type: "enum",
  name: "LogLevel",
  values: { UNDEFINED: 0, TRACE: 1, DEBUG: 2, INFO: 3, WARN: 4, ERROR: 5, CRITICAL: 6 },
} as const;

const ENV = {
  type: "message",
  name: "Env",
  oneofs: [],
  fields: {
    test_path: STRING,
    wasm_path: STRING,
    config_path: STRING,
    log_level: LOG_LEVEL,
    log_path: STRING,
    time_secs: UINT64,
    num_additional_streams: UINT64,
    additional_stream_advance_rate: UINT64,
  },
} as const;

export const TEST_SUITE = {
  type: "message",
  name: "TestSuite",
  oneofs: [],
  fields: { env: ENV, test: { type: "many", of: TEST } },
} as const;

interface Plain {
  readonly bool: boolean;
  readonly string: string;
  readonly bytes: Buffer;
  readonly int32: number;
  readonly int64: number;
  readonly uint32: number;
  readonly uint64: number;
}

/** The names of the scalar types. */
export type ScalarName = keyof Plain;

export interface EnumType {
  readonly type: "enum";
  readonly name: string;
  readonly values: Readonly<Record<string, number>>;
}
export interface MessageType {
  readonly type: "message";
  readonly name: string;
  /** Of each group only one field may be set. */
  readonly oneofs: readonly (readonly string[])[];
  readonly fields: Readonly<Record<string, FieldType>>;
}
export type SingleType = { readonly type: ScalarName } | EnumType | MessageType;
export type FieldType = SingleType | { readonly type: "many"; readonly of: SingleType };

type ValueOf<T> = T extends { type: "many"; of: infer E }
  ? readonly ValueOf<E>[]
  : T extends { type: "message" }
    ? MessageOf<T>
    : T extends { type: "enum"; values: infer V }
      ? keyof V
      : T extends { type: infer K extends ScalarName }
        ? Plain[K]
        : never;

/** A bound message: a field is absent when the suite does not have it; repeated fields are always there. */
export type MessageOf<T> = T extends { fields: infer F }
  ? { readonly at: Range } & { readonly [K in keyof F as F[K] extends { type: "many" } ? K : never]: ValueOf<F[K]> } & {
      readonly [K in keyof F as F[K] extends { type: "many" } ? never : K]?: ValueOf<F[K]>;
    }
  : never;

export type TestSuite = MessageOf<typeof TEST_SUITE>;
export type SuiteEnv = MessageOf<typeof ENV>;
export type SuiteTest = MessageOf<typeof TEST>;
export type Invocation = MessageOf<typeof INVOCATION>;
export type SuiteInput = MessageOf<typeof INPUT>;
export type Expectation = MessageOf<typeof EXPECTATION>;
export type StringMatcher = MessageOf<typeof STRING_MATCHER>;
export type HeaderPair = MessageOf<typeof HEADER>;
export type LogLevel = keyof (typeof LOG_LEVEL)["values"];
