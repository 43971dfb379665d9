// What a suite's fields mean, against the probe filter: expectations, order, ends, benchmarks.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ProblemError } from "../../../host/base/problem.ts";
import { loadSuite } from "../../../host/suite/load.ts";
import { runSuite, type RunOptions, type SuiteReport } from "../../../host/suite/run.ts";
import { probeModule } from "../../support/probe.ts";

const PLAIN = { config: "", nowMs: () => 0, benchMs: 0 };
let wasm: Uint8Array;
let folder: string;
beforeAll(async () => {
  wasm = await probeModule();
  folder = await mkdtemp(join(tmpdir(), "sluice-suite-"));
  await writeFile(join(folder, "head.data"), "GET http://x.test/a?b HTTP/1.1\nHost: y\nX-Probe: upper\n");
  await writeFile(join(folder, "body.data"), "ABC");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const load = async (text: string) => {
  const path = join(folder, "suite.textpb");
  await writeFile(path, text);
  return loadSuite(path, folder);
};
async function run(text: string, more: Partial<RunOptions> = {}): Promise<SuiteReport> {
  return runSuite(await load(text), { wasm, ...PLAIN, ...more });
}
/** Failures of the only test as `phase: message`. */
async function failures(test: string): Promise<readonly string[]> {
  const { tests } = await run(`test { ${test} }`);
  return tests.flatMap((one) => one.failures.map(({ phase, message }) => `${phase}: ${message}`));
}
/** A request header phase with a command for the probe. */
const asks = (command: string, result: string): string =>
  `request_headers { input { header { key: "x-probe" value: "${command}" } } result { ${result} } }`;

describe("own suites", () => {
  test("text format, YAML and JSON of one suite give one report, and it is green", async () => {
    const reports = await Promise.all(
      ["textpb", "yaml", "json"].map(async (ending) => {
        const file = resolve(import.meta.dirname, `../../data/suites/probe.${ending}`);
        const { suite: _suite, ...rest } = runSuite(await loadSuite(file, folder), { wasm, ...PLAIN });
        return rest;
      }),
    );
    expect(reports[0]).toMatchObject({ ok: true, tests: [{ ok: true }, { ok: true }, { ok: true }] });
    expect(reports[1]).toEqual(reports[0]);
    expect(reports[2]).toEqual(reports[0]);
  });
});

describe("expectations", () => {
  test.each([
    ['has_header { key: "x-none" value: "1" }', 'header "x-none" is missing'],
    ['has_header { key: "x-trace" value: "other" }', 'header "x-trace" has another value'],
    ['has_header { key: "x-trace" }', 'header "x-trace" has another value'],
    ['no_header { key: "X-Trace" }', 'header "x-trace" is there'],
    ['headers { exact: "X-Trace: nobody" }', "no such header line"],
    ['headers { regex: "X-Trace: prob" }', "no such header line"],
    ['headers { regex: "(?i)x-trace:.*" invert: true }', "a header line that should not be there"],
    ['body { exact: "x" }', "another body"],
    ['body { regex: ".+" }', "no such body"],
    ['log { regex: ".*" }', "no such log line"],
    ["immediate { }", "no immediate response"],
  ])("%s fails by name", async (result, message) => {
    expect(await failures(asks("", result))).toEqual([`request_headers: ${message}`]);
  });

  test.each([
    'has_header { key: "X-TRACE" value: "probe" }',
    'headers { exact: "X-Trace: probe" }',
    'headers { regex: "x-trace: p.*" } headers { regex: "X-Trace: p.*" } headers { regex: ".*X\\\\-TRACE: probe" }',
    'body { exact: "" } log { regex: ".+" invert: true }',
  ])("%s passes", async (result) => {
    expect(await failures(asks("", result))).toEqual([]);
  });

  test("a failure carries both sides", async () => {
    const { tests } = await run(
      `test { ${asks("reply:418", 'immediate { http_status: 403 grpc_status: 7 } body { exact: "no" }')} }`,
    );
    expect(tests[0]?.failures).toEqual([
      { phase: "request_headers", message: "another HTTP status", expected: "403", actual: "418" },
      { phase: "request_headers", message: "another gRPC status", expected: "7", actual: "4294967295" },
      { phase: "request_headers", message: "another body", expected: '"no"', actual: '"by probe"' },
    ]);
  });

  test("an answer nobody expected is a failure", async () => {
    expect(await failures(asks("reply:503", ""))).toEqual(["request_headers: an immediate response nobody expected"]);
  });

  test("after an answer nothing runs, and what was expected of it fails", async () => {
    const after = 'response_headers { result { has_header { key: "x-back" value: "probe" } } } response_body { }';
    expect(await failures(`${asks("reply:403", "immediate { http_status: 403 }")} ${after}`)).toEqual([
      "response_headers: not run: the stream was answered in an earlier phase",
    ]);
  });

  test("a filter that waits is told, with an answer expected or not", async () => {
    expect(await failures(asks("pause", ""))).toEqual(["request_headers: the filter waits"]);
    expect(await failures(asks("pause", "immediate { http_status: 403 }"))).toEqual([
      "request_headers: no immediate response",
    ]);
  });

  test("an answer from a body callback counts, and the rest of the body is not sent", async () => {
    const body = (result: string): string => `request_body { input { content: "abc" } result { ${result} } }`;
    const answer = 'immediate { http_status: 413 } body { exact: "too much" }';
    expect(await failures(`num_chunks: 3 ${asks("reply-body", "")} ${body(answer)}`)).toEqual([]);
    expect(await failures(`num_chunks: 3 ${asks("reply-body", "")} ${body("")}`)).toEqual([
      "request_body: an immediate response nobody expected",
    ]);
  });

  test("a filter that dies says where and why, once", async () => {
    const found = await failures(`${asks("trap", 'has_header { key: "a" value: "b" }')} response_headers { }`);
    expect(found.length).toBe(1);
    expect(found[0]).toMatch(/^request_headers: the filter died in proxy_on_request_headers \(trap\): /);
  });
});

describe("phases", () => {
  test("a response alone meets a stream whose request callbacks never ran", async () => {
    const { tests } = await run('test { response_headers { result { has_header { key: "x-back" value: "probe" } } } }');
    expect(tests[0]).toMatchObject({ ok: true, logs: ["log probe"] });
  });

  test("pseudo headers of an HTTP/1 head in a file", async () => {
    const result = [":method", ":scheme", ":path", ":authority"].map(
      (name, at) => `has_header { key: "${name}" value: "${["GET", "http", "/a?b", "x.test"][at]}" }`,
    );
    expect(
      await failures(
        `request_headers { input { file: "head.data" } result { ${result.join(" ")} no_header { key: "host" } } }`,
      ),
    ).toEqual([]);
  });

  test("without a plan each body is one chunk, and only the last one ends", async () => {
    const body = (content: string, out: string): string =>
      `request_body { input { content: "${content}" } result { body { exact: "${out}" } } }`;
    expect(await failures(`${asks("upper", "")} ${body("ab", "AB")} ${body("c", "C")}`)).toEqual([]);
    // The probe buffers until the end: nothing comes out of the first body.
    expect(await failures(`${asks("buffer", "")} ${body("ab", "ab")} ${body("c", "<abc>")}`)).toEqual([
      "request_body[0]: the filter waits",
      "request_body[0]: another body",
    ]);
  });

  test.each(["num_chunks: 1", "num_chunks: 2", "num_chunks: 9", "chunk_size: 2", "chunk_size: 100"])(
    "%s: expectations are about the whole body",
    async (plan) => {
      const body = 'request_body { input { content: "abc" } result { body { file: "body.data" } } }';
      expect(await failures(`${plan} ${asks("upper", "")} ${body}`)).toEqual([]);
    },
  );

  test("a body without headers, and an empty one", async () => {
    expect(await failures('response_body { input { content: "abc" } result { body { exact: "abc" } } }')).toEqual([]);
    expect(await failures('num_chunks: 3 request_body { result { body { exact: "" } } }')).toEqual([]);
  });
});

describe("mistakes in a suite", () => {
  const problemsOf = async (text: string): Promise<readonly string[]> => {
    const error: unknown = await load(text).catch((thrown: unknown) => thrown);
    return error instanceof ProblemError ? error.problems.map(({ line, message }) => `${line}: ${message}`) : [];
  };

  test("all of them are told, each with its line", async () => {
    const text = `test {
      num_chunks: 0
      request_headers {
        input { content: "nonsense" }
        result {
          has_header { value: "x" }
          headers { regex: "(?=a)" }
          log { invert: true }
        }
      }
      request_body { input { file: "nowhere.data" } }
      request_body { input { header { key: "a" } } }
    }`;
    expect(await problemsOf(text)).toEqual([
      "1: num_chunks: expected 1 or more, got 0",
      '4: not a request line: "nonsense"',
      "6: a header needs its key",
      "7: /(?=a)/ is no expression this runner can use: RE2 has no look-around: (?=...)",
      "8: a matcher needs one of exact, regex, file",
      "12: a chunking plan takes one request_body, not several",
      "11: nowhere.data cannot be read (ENOENT)",
      "12: request_body: a body has no headers",
    ]);
  });

  test("a suite that is not there", async () => {
    await expect(loadSuite(join(folder, "none.textpb"), folder)).rejects.toThrow("none.textpb cannot be read (ENOENT)");
  });
});

describe("environment", () => {
  test("paths begin at the suite, levels and time are the host's", async () => {
    const suite = await load(
      'env { wasm_path: "a.wasm" config_path: "/b.json" log_path: "/dev/stdout" log_level: TRACE time_secs: 7 num_additional_streams: 3 }',
    );
    expect(suite).toMatchObject({
      file: "suite.textpb",
      wasmPath: join(folder, "a.wasm"),
      configPath: "/b.json",
      logPath: "/dev/stdout",
      logLevel: 0,
      clockMs: 7000,
      moreStreams: 3,
      advanceRate: 3,
    });
    expect(await load("")).toMatchObject({ wasmPath: "", logLevel: 2, clockMs: 0, moreStreams: 0 });
  });

  test("lines below the level are not there", async () => {
    const text = 'test { request_headers { } stream_destroy { log { exact: "log probe" } } }';
    expect((await run(text)).ok).toBe(true);
    expect((await run(`env { log_level: WARN } ${text}`)).ok).toBe(false);
  });

  test("the plugin configuration reaches the filter; a refused one is a problem", async () => {
    const text = 'test { request_headers { result { has_header { key: "x-trace" value: "me" } } } }';
    expect((await run(text, { config: '{"name": "me"}' })).ok).toBe(true);
    await expect(run(text, { config: '{"failConfigure": true}' })).rejects.toThrow("refused the configuration");
  });
});

describe("benchmarks", () => {
  test("tell time and fuel per phase, with other streams beside", async () => {
    let now = 0;
    const text = `env { num_additional_streams: 5 additional_stream_advance_rate: 2 }
      test { benchmark: true num_chunks: 2 ${asks("upper", "")} request_body { input { content: "abcd" } } response_headers { } }`;
    const { tests } = await run(text, { nowMs: () => now++, benchMs: 200 });
    const benchmark = tests[0]?.benchmark;
    expect(benchmark?.rounds).toBeGreaterThanOrEqual(20);
    expect(benchmark?.memoryBytes).toBeGreaterThan(0);
    expect(benchmark?.phases.map(({ phase }) => phase)).toEqual([
      "stream_init",
      "request_headers",
      "request_body",
      "response_headers",
      "stream_destroy",
    ]);
    for (const phase of benchmark?.phases ?? []) {
      expect(phase.medianNanos).toBe(1_000_000);
      expect(phase.fuel).toBeGreaterThan(0);
    }
  });

  test("are left out when the test fails, or nobody wants them", async () => {
    const text = (result: string): string => `test { benchmark: true ${asks("", result)} }`;
    expect((await run(text(""))).tests[0]?.benchmark).toBeUndefined();
    expect((await run(text("immediate { }"), { benchMs: 10 })).tests[0]?.benchmark).toBeUndefined();
  });
});
