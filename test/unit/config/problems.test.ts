import { describe, expect, test } from "vitest";
import { formatProblem } from "../../../host/base/problem.ts";
import { MINIMAL, parse, problemsOf, where } from "./support.ts";

const change = (from: string, to: string): string => MINIMAL.replace(from, to);
const FILTER = (more: string): string => `${MINIMAL}filters:\n  - { name: f, ${more} }\n`;
const EXPERIMENT = (more: string): string => `${MINIMAL}filters: [{ name: f }]
experiments:
  - name: e
    filter: f
    unit: [requestId]
    variants:
      - { name: a, version: current, weight: 90 }
      - { name: b, version: v2, weight: 10 }
${more}`;
const ROUTE = (match: string, action: string): string =>
  change("match: { prefix: / }, route: { cluster: web }", `${match}, ${action}`);

const TCP = (more: string): string => `listeners:
  - name: db
    address: 127.0.0.1:5432
    protocol: tcp
${more}
clusters:
  - { name: web, endpoints: [{ address: 127.0.0.1:9001 }] }
`;
const TO_WEB = "    tcp: { cluster: web }\n";

/** title, config, what is found (line:column code, message, hint). */
type Case = readonly [title: string, text: string, place: string, message: string, hint?: string];
const CASES: readonly Case[] = [
  [
    "an unknown key",
    `${MINIMAL}drainTimeOut: 5s\n`,
    "8:1 unknown_key",
    'unknown key "drainTimeOut"',
    'did you mean "drainTimeout"?',
  ],
  [
    "Envoy's snake_case",
    change("name: web,", "name: web, lb_policy: random,"),
    "7:18 unknown_key",
    'unknown key "lb_policy"',
    'did you mean "lbPolicy"?',
  ],
  ["a key like no other", `${MINIMAL}zzz: 5s\n`, "8:1 unknown_key", 'unknown key "zzz"', "known: "],
  [
    "a missing key",
    change("name: all, ", ""),
    "5:9 missing_key",
    'listeners[0].routes[0]: missing key "name"',
    "add name:",
  ],
  ["a port above 65535", change(":8080", ":99999"), "3:14 bad_address", "listeners[0].address: port must be <= 65535"],
  ["an address without port", change("127.0.0.1:8080", "localhost"), "3:14 bad_address", "expected host:port"],
  ["an endpoint on port 0", change(":9001", ":0"), "7:41 bad_address", "an endpoint needs a port above 0"],
  [
    "an unknown cluster",
    change("cluster: web", "cluster: wep"),
    "5:62 unknown_cluster",
    'no cluster is named "wep"',
    'did you mean "web"?',
  ],
  [
    "an unknown weighted cluster",
    change("cluster: web", "weightedClusters: [{ cluster: a, weight: 1 }]"),
    "5:83 unknown_cluster",
    'no cluster is named "a"',
    "known: web",
  ],
  [
    "weights that are all 0",
    change("cluster: web", "weightedClusters: [{ cluster: web, weight: 0 }]"),
    "5:71 bad_weights",
    "all weights are 0",
  ],
  [
    "a negative weight",
    change("cluster: web", "weightedClusters: [{ cluster: web, weight: -1 }]"),
    "5:96 bad_value",
    "must be >= 0, got number -1",
  ],
  [
    "a duration without unit",
    `${MINIMAL}drainTimeout: "5"\n`,
    "8:15 bad_value",
    'expected a duration with its unit, such as "250ms" or "5s", got "5"',
  ],
  ["a duration as a number", `${MINIMAL}drainTimeout: 5\n`, "8:15 wrong_type", "got number 5"],
  ["a size that is none", FILTER("bufferLimit: 5 apples"), "9:29 bad_value", "expected a size with its unit"],
  ["a wrong type", `${MINIMAL}filters: auth\n`, "8:10 wrong_type", 'filters: expected a list, got "auth"'],
  ["a section left empty", `${MINIMAL}filters:\n`, "8:9 wrong_type", "filters: expected a list, got nothing"],
  [
    "an unknown word",
    FILTER("failurePolicy: FAIL_CLOSE"),
    "9:31 bad_value",
    "expected one of FAIL_CLOSED, FAIL_OPEN, FAIL_RELOAD",
    'did you mean "FAIL_CLOSED"?',
  ],
  [
    "an unknown word for one cause",
    FILTER("failurePolicy: { trap: FAIL_OPN }"),
    "9:39 bad_value",
    "expected one of FAIL_CLOSED, FAIL_OPEN, FAIL_RELOAD",
    'did you mean "FAIL_OPEN"?',
  ],
  [
    "an unknown cause",
    FILTER("failurePolicy: { ticks: FAIL_OPEN }"),
    "9:33 unknown_key",
    'unknown key "ticks"',
    'did you mean "tick"?',
  ],
  ["a name that cannot be one", change("name: web", 'name: "a/b"'), "7:13 bad_value", "expected a name of letters"],
  [
    "two filters of one name",
    `${MINIMAL}filters: [{ name: f }, { name: f }]\n`,
    "8:32 duplicate_name",
    'there is already a filter named "f"',
  ],
  [
    "two routes of one name",
    change(
      "{ cluster: web } }",
      "{ cluster: web } }\n      - { name: all, match: { exact: / }, directResponse: { status: 200 } }",
    ),
    "6:17 duplicate_name",
    'a route named "all"',
  ],
  [
    "a filter listed but not defined",
    change("    routes:", "    filters: [auth]\n    routes:"),
    "4:15 unknown_filter",
    'no filter is named "auth"',
    "nothing is defined here",
  ],
  [
    "a filter listed twice",
    `${change("    routes:", "    filters: [f, f]\n    routes:")}filters: [{ name: f }]\n`,
    "4:18 duplicate_name",
    '"f" is in the chain twice',
  ],
  [
    "an unknown filter in a route's add",
    ROUTE("match: { prefix: / }", "route: { cluster: web }, filters: { add: [x] }"),
    "5:86 unknown_filter",
    'no filter is named "x"',
  ],
  [
    "an unknown filter in a route's override",
    ROUTE("match: { prefix: / }", "route: { cluster: web }, filters: { override: { x: {} } }"),
    "5:92 unknown_filter",
    'no filter is named "x"',
  ],
  [
    "an unknown upstream of a filter",
    FILTER("allowedUpstreams: [wep]"),
    "9:35 unknown_cluster",
    'no cluster is named "wep"',
  ],
  [
    "an https source without sha256",
    FILTER('source: "https://example.test/f.wasm"'),
    "9:24 missing_sha256",
    "an https:// source needs sha256",
  ],
  [
    "an http source",
    FILTER('source: "http://example.test/f.wasm"'),
    "9:24 bad_source",
    "expected a file or an https:// URL",
  ],
  ["a source that is a folder", FILTER("source: ./filters/f"), "9:24 bad_source", "expected a .ts entry or a .wasm"],
  ["a sha256 that is none", FILTER("sha256: abc"), "9:24 bad_value", "expected 64 lower-case hex digits"],
  [
    "admin off loopback without token",
    `admin: { address: 0.0.0.0:9901 }\n${MINIMAL}`,
    "1:19 missing_token",
    "off loopback the admin API needs a token",
  ],
  [
    "admin on a listener's port",
    `admin: { address: localhost:8080 }\n${MINIMAL}`,
    "4:14 port_taken",
    "port 8080 is already used by the admin API",
  ],
  [
    "two listeners on one port",
    change("    routes:", "  - name: b\n    address: 0.0.0.0:8080\n    routes:"),
    "5:14 port_taken",
    'used by listener "public"',
  ],
  [
    "a match on both prefix and exact",
    ROUTE("match: { prefix: /, exact: / }", "route: { cluster: web }"),
    "5:29 pick_one",
    "exactly one of prefix, exact, connect is needed, got prefix and exact",
  ],
  [
    "a route without action",
    change(", route: { cluster: web }", ""),
    "5:9 pick_one",
    "exactly one of route, directResponse, connect is needed, got none",
  ],
  [
    "a header match without a kind",
    ROUTE("match: { prefix: /, headers: { x-a: {} } }", "route: { cluster: web }"),
    "5:58 pick_one",
    "got none",
  ],
  [
    "a header name with a space",
    ROUTE("match: { prefix: /, headers: { x a: { exact: b } } }", "route: { cluster: web }"),
    "5:53 bad_header_name",
    '"x a" is not a header name',
  ],
  [
    "a path without slash",
    change("prefix: /", "prefix: orders"),
    "5:39 bad_value",
    'expected a path that begins with "/"',
  ],
  [
    "a status that is none",
    ROUTE("match: { prefix: / }", "directResponse: { status: 99 }"),
    "5:70 bad_value",
    "must be >= 200",
  ],
  [
    "a header to name arms that is none",
    change("    routes:", "    armHeader: a b\n    routes:"),
    "4:16 bad_header_name",
    '"a b" is not a header name',
  ],
  [
    "weights of an experiment that miss 100",
    EXPERIMENT("").replace("weight: 10", "weight: 5"),
    "14:7 bad_weights",
    "weights must add up to 100, got 95",
  ],
  [
    "a weight above 100",
    EXPERIMENT("").replace("weight: 90", "weight: 190").replace("weight: 10 ", "weight: 0 "),
    "14:7 bad_weights",
    "got 190",
  ],
  [
    "an experiment on an unknown filter",
    EXPERIMENT("").replace("filter: f", "filter: g"),
    "11:13 unknown_filter",
    'no filter is named "g"',
  ],
  [
    "two variants of one name",
    EXPERIMENT("").replace("name: b", "name: a"),
    "15:17 duplicate_name",
    'a variant named "a"',
  ],
  [
    "a variant with version and source",
    EXPERIMENT("").replace("version: v2", "version: v2, source: a.ts"),
    "15:9 pick_one",
    "exactly one of version, source is needed",
  ],
  [
    "a variant without either",
    EXPERIMENT("").replace("version: v2, ", ""),
    "15:9 pick_one",
    "exactly one of version, source is needed",
  ],
  [
    "a unit that is none",
    EXPERIMENT("").replace("[requestId]", "[user]"),
    "12:12 bad_value",
    'expected header:<name>, cookie:<name>, claim:<name>, tag:<name>, sourceIp, connection or requestId, got "user"',
  ],
  [
    "a fallback that is none",
    EXPERIMENT("").replace("[requestId]", "{ header: x, fallback: user }"),
    "12:34 bad_unit",
    "expected header:<name>",
  ],
  [
    "a unit of two things",
    EXPERIMENT("").replace("[requestId]", "{ header: x, cookie: y }"),
    "12:11 pick_one",
    "exactly one of header, cookie, claim, tag, requestId, sourceIp, connection",
  ],
  ["a tcp listener that leads nowhere", TCP(""), "4:15 missing_key", 'missing key "tcp"', "add tcp: { cluster: NAME }"],
  [
    "a tcp cluster nobody defines",
    TCP("    tcp: { cluster: wep }"),
    "5:21 unknown_cluster",
    "wep",
    'did you mean "web"?',
  ],
  [
    "a tcp part on an HTTP listener",
    change("    routes:", "    tcp: { cluster: web }\n    routes:"),
    "4:5 wrong_protocol",
    '"tcp" is for',
  ],
  [
    "routes on a tcp listener",
    TCP(`${TO_WEB}    routes: []`),
    "6:5 wrong_protocol",
    '"routes" means nothing on a tcp listener',
  ],
  [
    "an arm header on a tcp listener",
    TCP(`${TO_WEB}    armHeader: x-arm`),
    "6:5 wrong_protocol",
    '"armHeader" means nothing',
  ],
  [
    "a limit of HTTP on a tcp listener",
    TCP(`${TO_WEB}    limits: { bufferBytes: 1KiB, idleTimeout: 5s }`),
    "6:34 wrong_protocol",
    '"idleTimeout" is a limit of HTTP listeners',
    "use tcp.idleTimeout",
  ],
  ["no try at all", TCP("    tcp: { cluster: web, maxConnectAttempts: 0 }"), "5:46 bad_value", ""],
  [
    "two experiments on one filter",
    EXPERIMENT(
      "  - { name: e2, filter: f, unit: [requestId], variants: [{ name: a, version: v1, weight: 50 }, { name: b, version: v2, weight: 50 }] }\n",
    ),
    "16:25 filter_taken",
    'already under experiment "e"',
  ],
  [
    "an unset variable",
    `${MINIMAL}stateDir: \${NOWHERE}/x\n`,
    "8:11 bad_variable",
    "environment variable NOWHERE is not set",
  ],
  [
    "a reference that is none",
    `${MINIMAL}stateDir: "\${a b}"\n`,
    "8:11 bad_variable",
    '"${a b}" is not a variable reference',
  ],
  [
    "a bare reference in a flow map",
    change("127.0.0.1:9001 }", "${HOST}:9001 }"),
    "7:42 bad_syntax",
    "Unexpected",
    "inside { } and [ ] a reference is quoted",
  ],
  ["a key written twice", `${MINIMAL}workers: 1\nworkers: 2\n`, "9:1 duplicate_key", "Map keys must be unique"],
  [
    "a bracket left open",
    change("[{ address: 127.0.0.1:9001 }]", "[{ address: 127.0.0.1:9001 }"),
    "7:58 bad_syntax",
    "Flow sequence",
  ],
  ["text that is no config", "hello\n", "1:1 wrong_type", 'expected an object, got "hello"'],
  ["an empty file", "", "1:1 missing_key", 'missing key "listeners"'],
  ["no listener", "listeners: []\n", "1:12 bad_value", "needs at least 1 entry"],
];

const NOT_YET: readonly (readonly [string, string, string])[] = [
  ["mirror", ROUTE("match: { prefix: / }", "route: { cluster: web }, mirror: { cluster: web }"), "5:69"],
  ["retryPolicy", ROUTE("match: { prefix: / }", "route: { cluster: web }, retryPolicy: { attempts: 2 }"), "5:69"],
  ["hashPolicy", change("cluster: web }", "cluster: web, hashPolicy: [] }"), "5:67"],
  ["subset", change("cluster: web }", "cluster: web, subset: v1 }"), "5:67"],
  ["regex", change("prefix: / }", "prefix: /, regex: .* }"), "5:42"],
  ["healthChecks", change("name: web,", "name: web, healthChecks: [],"), "7:18"],
  ["outlierDetection", change("name: web,", "name: web, outlierDetection: {},"), "7:18"],
  ["subsets", change("name: web,", "name: web, subsets: {},"), "7:18"],
  ["maxRetries", change("name: web,", "name: web, circuitBreakers: { thresholds: { maxRetries: 1 } },"), "7:51"],
  ["maglev", change("name: web,", "name: web, lbPolicy: maglev,"), "7:28"],
  ["dubbo", change("    routes:", "    protocol: dubbo\n    routes:"), "4:15"],
  ["tracing", `${MINIMAL}telemetry: { tracing: {} }\n`, "8:14"],
  ["metrics", `${MINIMAL}telemetry: { metrics: { path: /m } }\n`, "8:14"],
  ["dashboard", `admin: { dashboard: true }\n${MINIMAL}`, "1:10"],
  ["oci://", FILTER('source: "oci://example.test/f:1"'), "9:24"],
];

describe("a config that is wrong", () => {
  for (const [title, text, place, message, hint = ""] of CASES) {
    test(`is refused for ${title}, with its place`, async () => {
      const problems = await problemsOf(text);
      expect(problems.map(where)).toContain(place);
      const found = problems.find((problem) => where(problem) === place)!;
      expect(found.message).toContain(message);
      expect(found.hint ?? "").toContain(hint);
      expect(found.file).toBe("/etc/sluice/sluice.yaml");
      // A bad name also breaks what refers to it, a bad weight the sum.
      expect(problems.length).toBe(/a\/b|weight: 190/.test(text) ? 2 : 1);
    });
  }

  test.each(NOT_YET)("is refused by name for %s, which is not supported yet", async (name, text, place) => {
    const problems = await problemsOf(text);
    expect(problems.map(where)).toContain(`${place} not_supported`);
    const found = problems.find((problem) => problem.code === "not_supported")!;
    expect(found.message).toMatch(new RegExp(`"?${name}"? is not supported yet$`));
    expect(found.hint).toMatch(/refuses what it would otherwise ignore|use a file/);
  });

  test("shows all its problems, in file order, whatever found them", async () => {
    const text = `admin: { adress: 1 }
listeners:
  - name: a
    address: 127.0.0.1:99999
    routes:
      - { name: r, match: { prefix: / }, route: { cluster: nope } }
    virtualHosts: []
workers: many
`;
    expect((await problemsOf(text)).map(where)).toEqual([
      "1:10 unknown_key",
      "4:14 bad_address",
      "6:60 unknown_cluster",
      "7:5 not_supported",
      "8:10 wrong_type",
    ]);
  });

  test("is drawn with the line and a caret under the whole value", async () => {
    const [problem] = await problemsOf(change(":8080", ":99999"));
    expect(problem).toMatchObject({
      kind: "config",
      pointer: "/listeners/0/address",
      line: 3,
      column: 14,
      endColumn: 29,
    });
    expect(formatProblem(problem!)).toBe(`error[config]: listeners[0].address: port must be <= 65535
  --> /etc/sluice/sluice.yaml:3:14
 3 |     address: 127.0.0.1:99999
   |              ^^^^^^^^^^^^^^^`);
  });

  test("never shows what a secret is", async () => {
    const problems = await problemsOf(`admin: { token: "\${T}" }\nworkers: {}\n${MINIMAL}`, { T: "hush-hush" });
    expect(JSON.stringify(problems)).not.toContain("hush-hush");
    const [beside] = await problemsOf(`admin: { token: hush-hush, adress: 1 }\n${MINIMAL}`);
    expect(beside!.frame).toBe(" 1 | admin: { token: *********, adress: 1 }\n   |                            ^^^^^^");
    const broken = await problemsOf(`admin: { token: hush-hush, [ }\n`);
    expect(JSON.stringify(broken)).not.toContain("hush-hush");
  });

  test("with aliases that multiply is refused before it eats the memory", async () => {
    const rows = Array.from({ length: 8 }, (_, at) => `a${at + 1}: &a${at + 1} [${`*a${at},`.repeat(9)}]`);
    const problems = await problemsOf(`a0: &a0 [x]\n${rows.join("\n")}\n`);
    expect(problems[0]!.code).toBe("bad_alias");
  });

  test("with hundreds of mistakes is reported, not given up on", async () => {
    const rows = Array.from({ length: 60 }, (_, at) => `wrong${at}: 1`).join("\n");
    expect((await problemsOf(`${MINIMAL}${rows}\n`)).length).toBe(60);
  });
});

describe("a config that is odd", () => {
  const odd = `listeners:
  - name: public
    address: 127.0.0.1:8080
    filters: []
    routes:
      - { name: all, match: { prefix: / }, route: { cluster: web } }
      - { name: late, match: { prefix: /late }, route: { cluster: web } }
clusters:
  - { name: web, endpoints: [{ address: 127.0.0.1:9001 }] }
  - { name: spare, endpoints: [{ address: 127.0.0.1:9002 }] }
filters:
  - { name: idle, allowedUpstreams: [] }
`;
  const expected = ["7:30 unreachable_route", "10:13 unused_cluster", "12:13 unused_filter"];

  test("is loaded with warnings", async () => {
    expect((await parse(odd)).warnings.map(where)).toEqual(expected);
  });

  test("is refused under strict", async () => {
    expect((await problemsOf(odd, {}, true)).map(where)).toEqual(expected);
  });

  test("does not call a cluster unused that a filter may call", async () => {
    const open = odd.replace(", allowedUpstreams: []", "");
    expect((await parse(open)).warnings.map(where)).toEqual([expected[0], expected[2]]);
  });
});
