// The text format, as the specification has it (protobuf.dev, "Text Format Language Specification"), and its mistakes.
import { describe, expect, test } from "vitest";
import { ProblemError } from "../../../host/base/problem.ts";
import { bindSuite } from "../../../host/suite/bind.ts";
import type { RawMessage } from "../../../host/suite/raw.ts";
import { Source } from "../../../host/suite/source.ts";
import { parseTextpb } from "../../../host/suite/textpb.ts";
import { parseYaml } from "../../../host/suite/yaml.ts";

const source = (text: string): Source => new Source("suite.textpb", text);
const suiteOf = (text: string) => bindSuite(parseTextpb(source(text)), source(text));
const nameOf = (text: string): string | undefined => suiteOf(`test { name: ${text} }`).test[0]?.name;

/** The problems of a text as `line:column message`. */
function problemsOf(text: string, parse: (source: Source) => RawMessage = parseTextpb): readonly string[] {
  try {
    bindSuite(parse(source(text)), source(text));
    return [];
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return error.problems.map(({ line, column, message }) => `${line}:${column} ${message}`);
  }
}

describe("strings", () => {
  test.each([
    [`"a" 'b'\n  # between\n "c"`, "abc"],
    [`"it's"`, "it's"],
    [`'say "x"'`, 'say "x"'],
    [String.raw`"\a\b\f\n\r\t\v\?\\\'\""`, "\x07\b\f\n\r\t\v?\\'\""],
    [String.raw`"\101\x42\x4a\u00e9\U0001F600"`, "ABJé😀"],
    [String.raw`"\303\251"`, "é"],
    [`"# no comment"`, "# no comment"],
    [`""`, ""],
  ])("%s", (text, expected) => {
    expect(nameOf(text)).toBe(expected);
  });

  test("bytes keep what is no UTF-8", () => {
    const suite = suiteOf(String.raw`test { request_body { input { content: "\xff\000\x80" } } }`);
    expect([...(suite.test[0]?.request_body[0]?.input?.content ?? [])]).toEqual([0xff, 0, 0x80]);
  });

  test.each([
    ['"open', "1:14 the string does not end on its line"],
    ['"two\nlines"', "1:14 the string does not end on its line"],
    [String.raw`"\q"`, '1:15 unknown escape "\\q"'],
    [String.raw`"\777"`, '1:15 "\\777" is no character'],
    [String.raw`"\ud800"`, '1:15 "\\ud800" is no character'],
    [String.raw`"\U00110000"`, '1:15 "\\U00110000" is no character'],
  ])("%s is refused", (text, problem) => {
    expect(problemsOf(`test { name: ${text} }`)).toEqual([problem]);
  });
});

describe("numbers and words", () => {
  test.each([
    ["7", 7],
    ["0x1F", 31],
    ["017", 15],
    ["0", 0],
    ["- 3", -3],
  ])("%s", (text, expected) => {
    expect(suiteOf(`test { num_chunks: ${text} }`).test[0]?.num_chunks).toBe(expected);
  });

  test.each([
    ["num_chunks: 1.5", "1:20 num_chunks: expected a whole number, got 1.5"],
    ["num_chunks: 2147483648", "1:20 num_chunks: 2147483648 does not fit int32"],
    ["num_chunks: ten", "1:20 num_chunks: expected a whole number, got ten"],
    ["num_chunks: 1x", '1:20 "1x" is no number'],
    ["num_chunks: 08", '1:20 "08" is no number'],
    ["num_chunks: -x", '1:20 "-x" is no value'],
    ["benchmark: yes", "1:19 benchmark: expected true or false, got yes"],
    ["name: 7", "1:14 name: expected a string, got 7"],
  ])("%s is refused", (text, problem) => {
    expect(problemsOf(`test { ${text} }`)).toEqual([problem]);
  });

  test.each(["true", "True", "t", "1"])("%s is true", (word) => {
    expect(suiteOf(`test { benchmark: ${word} }`).test[0]?.benchmark).toBe(true);
  });

  test("an enum takes its name and its number", () => {
    expect(suiteOf("env { log_level: DEBUG }").env?.log_level).toBe("DEBUG");
    expect(suiteOf("env { log_level: 2 }").env?.log_level).toBe("DEBUG");
  });

  test("a number beyond what the host counts exactly is refused", () => {
    expect(problemsOf("env { time_secs: 18446744073709551615 }")).toEqual([
      "1:18 time_secs: 18446744073709551615 does not fit uint64",
    ]);
  });
});

describe("messages and lists", () => {
  test.each([
    'test { name: "a" } test { name: "b" }',
    'test: { name: "a" }; test: < name: "b" >,',
    'test: [{ name: "a", }, < name: "b"; >]',
    'test [{name:"a"},{name:"b"}]',
    '# first\ntest{name:"a"}test{name:"b"}# last',
  ])("%s", (text) => {
    expect(suiteOf(text).test.map(({ name }) => name)).toEqual(["a", "b"]);
  });

  test("an empty file is an empty suite, an empty list no field", () => {
    expect(suiteOf("").test).toEqual([]);
    expect(suiteOf("test: []").test).toEqual([]);
  });

  test.each([
    ['test { name "a" }', '1:8 expected ":" after "name"'],
    ['test { name: "a"', '1:17 expected "}", got the end of the file'],
    ['test < name: "a" }', '1:18 expected a field name, got "}"'],
    ["test: [{} {}]", '1:11 expected "," or "]", got "{"'],
    ["test: [{},]", '1:11 expected a value, got "]"'],
    ["test: [[]]", "1:8 a list holds no lists"],
    ["[a.b] { }", "1:1 extensions and Any values are no part of a suite"],
    ["test { } }", '1:10 expected a field name, got "}"'],
    ["test: ;", '1:7 expected a value, got ";"'],
    ["test { name: @ }", '1:14 unexpected character "@"'],
    [`${"test {".repeat(101)}`, "1:606 nested more than 100 deep"],
  ])("%s is refused", (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });
});

describe("the schema", () => {
  test("every problem is told at once, with the nearest known name", () => {
    const text = 'env {\n  log_level: DEBG\n}\ntest {\n  nam: "x"\n  num_chunks: 1 chunk_size: 2\n}\n';
    try {
      suiteOf(text);
      expect.unreachable();
    } catch (error) {
      expect((error as ProblemError).problems).toMatchObject([
        { line: 2, column: 14, message: 'log_level: there is no LogLevel "DEBG"', hint: 'did you mean "DEBUG"?' },
        {
          kind: "config",
          code: "unknown_key",
          file: "suite.textpb",
          line: 5,
          column: 3,
          endColumn: 6,
          frame: ' 5 |   nam: "x"\n   |   ^^^',
          hint: 'did you mean "name"?',
        },
        { line: 6, column: 17, code: "conflict" },
      ]);
    }
  });

  test.each([
    ['test { name: "a" name: "b" }', '1:18 "name" is set twice, but it is not a list'],
    ['test { name: ["a"] }', "1:14 name: expected a string, got a list"],
    ["test { request_headers: 7 }", "1:25 request_headers: expected a Invocation in braces, got 7"],
    [
      'test { request_headers { input { content: "x" file: "y" } } }',
      '1:47 "file" excludes "content": only one of header, content, file may be set',
    ],
  ])("%s is refused", (text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });
});

describe("YAML and JSON", () => {
  const TEXT =
    'env { log_level: WARN } test { name: "7" benchmark: true properties { path: "a.b" value: "x" } num_chunks: 2 }';
  const YAML =
    "env: { log_level: WARN }\ntest:\n- name: 7\n  benchmark: 'true'\n  properties: { path: a.b, value: x }\n  num_chunks: 2\n";
  const JSON_TEXT =
    '{"env": {"logLevel": "WARN"}, "test": [{"name": "7", "benchmark": true, "properties": [{"path": "a.b", "value": "x"}], "numChunks": "2"}]}';
  const plain = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value, (key, at) => (key === "at" ? undefined : at)));

  test.each([YAML, JSON_TEXT])("%s reads like the text format", (text) => {
    expect(plain(bindSuite(parseYaml(source(text)), source(text)))).toEqual(plain(suiteOf(TEXT)));
  });

  test.each([
    ["test:\n- nam: x\n", '2:3 unknown field "nam" in Test'],
    ["test: x\n", "1:7 test: expected a Test in braces, got x"],
    ["- a\n", "1:1 a suite is an object with `env` and `test`"],
    ["test:\n- name: [x\n", undefined],
  ])("%j is refused with its place", (text, problem) => {
    const found = problemsOf(text, parseYaml);
    expect(found.length).toBeGreaterThan(0);
    if (problem !== undefined) expect(found).toEqual([problem]);
  });
});
