import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import type { HeaderMatch, RouteMatch, RouteOptions } from "../../../host/route/options.ts";
import { RouteTable, pickCluster } from "../../../host/route/table.ts";
import { route } from "../../support/proxy.ts";

const header = (name: string, kind: HeaderMatch["kind"], value = "", invert = false): HeaderMatch => ({
  name,
  kind,
  value,
  invert,
});
const rule = (name: string, match: Partial<RouteMatch>): RouteOptions =>
  route({ name, match: { headers: [], ...match } });
const request = (path: string, ...headers: string[]): string[] => [
  ":method",
  "GET",
  ":scheme",
  "http",
  ":authority",
  "example.com",
  ":path",
  path,
  ...headers,
];
/** Rules that never match, to push a table over the size from which it has an index. */
const ballast = Array.from({ length: 40 }, (_, at) => rule(`never${at}`, { exact: `/never/${at}` }));

describe.each([
  ["scanned", []],
  ["indexed", ballast],
])("a %s table", (_, more) => {
  const match = (rules: RouteOptions[], headers: string[]): string | undefined =>
    new RouteTable([...more, ...rules]).match(headers)?.name;

  test("the first rule in declared order wins", () => {
    const rules = [
      rule("long", { prefix: "/a/b" }),
      rule("short", { prefix: "/a" }),
      rule("late", { exact: "/a/b/c" }),
    ];
    expect(match(rules, request("/a/b/c"))).toBe("long");
    expect(match(rules.toReversed(), request("/a/b/c"))).toBe("late");
    expect(match([rule("any", { prefix: "/" }), ...rules], request("/a/b/c"))).toBe("any");
  });

  test("the query takes no part", () => {
    const rules = [rule("exact", { exact: "/a" }), rule("prefix", { prefix: "/b/" }), rule("q", { prefix: "/c?x" })];
    expect(match(rules, request("/a?x=/b/"))).toBe("exact");
    expect(match(rules, request("/a/"))).toBeUndefined();
    expect(match(rules, request("/b?/b/"))).toBeUndefined();
    expect(match(rules, request("/b/?x"))).toBe("prefix");
    expect(match(rules, request("/c?x"))).toBeUndefined();
  });

  test("a query without a path, which only filters write, has the path /", () => {
    const rules = [rule("other", { prefix: "/x" }), rule("root", { prefix: "/" })];
    expect(match(rules, request("?x=1"))).toBe("root");
    expect(match([rule("exact", { exact: "/" })], request("?x=1"))).toBe("exact");
  });

  test("a prefix is text, not a segment", () => {
    expect(match([rule("p", { prefix: "/api" })], request("/apix"))).toBe("p");
  });

  test.each([
    [header("x-a", "exact", "one"), true],
    [header("x-a", "exact", "on"), false],
    [header("x-a", "prefix", "on"), true],
    [header("x-a", "suffix", "ne"), true],
    [header("x-a", "contains", "n"), true],
    [header("x-a", "present"), true],
    [header("x-z", "present"), false],
    [header("x-z", "present", "", true), true],
    [header("x-z", "exact", "one", true), true],
    [header("x-a", "exact", "one", true), false],
    [header("x-b", "exact", "1, 2"), true],
    [header(":method", "exact", "GET"), true],
    [header(":authority", "exact", "example.com"), true],
    [header(":authority", "exact", "other.com"), false],
    [header(":authority", "exact", "other.com", true), true],
    [header(":path", "contains", "?q"), true],
  ])("header rule %j -> %s", (headers, fits) => {
    const found = match(
      [rule("r", { prefix: "/", headers: [headers] })],
      request("/p?q", "x-a", "one", "x-b", "1", "x-b", "2"),
    );
    expect(found).toBe(fits ? "r" : undefined);
  });

  test("all header rules must hold", () => {
    const both = rule("r", { prefix: "/", headers: [header("x-a", "present"), header("x-b", "present")] });
    expect(match([both], request("/", "x-a", "1"))).toBeUndefined();
    expect(match([both], request("/", "x-a", "1", "x-b", "1"))).toBe("r");
  });
});

test("the index and the scan agree on random tables", () => {
  const random = seededRandom(5);
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random.fraction() * list.length)] as T;
  const paths = ["/", "/a", "/a/", "/a/b", "/ab", "/abc", "/b", "/b/c?d", "/a/b/c", "/%20", "*"];
  const hosts = ["example.com", "a.com"];
  for (let round = 0; round < 200; round++) {
    const rules = Array.from({ length: 12 + Math.floor(random.fraction() * 30) }, (_, at) => {
      const headers: HeaderMatch[] = [];
      if (random.fraction() < 0.4) headers.push(header(":authority", "exact", pick(hosts), random.fraction() < 0.2));
      if (random.fraction() < 0.3) headers.push(header("x-a", "exact", pick(["1", "2"])));
      return rule(
        `r${at}`,
        random.fraction() < 0.5 ? { prefix: pick(paths), headers } : { exact: pick(paths), headers },
      );
    });
    const headers = request(pick(paths) + pick(["", "?q", "/x"]), "x-a", pick(["1", "2", "3"]));
    const scanned = rules.find((entry) => new RouteTable([entry]).match(headers) !== null);
    expect(new RouteTable(rules).match(headers)?.name).toBe(scanned?.name);
  }
});

describe("pickCluster", () => {
  const clusters = [
    { cluster: "a", weight: 1 },
    { cluster: "b", weight: 3 },
    { cluster: "c", weight: 0 },
  ];

  test("cuts [0, 1) in proportion to the weights", () => {
    expect([0, 0.2499, 0.25, 0.9999].map((fraction) => pickCluster(clusters, fraction))).toEqual(["a", "a", "b", "b"]);
  });

  test("never chooses a weight of 0, and one cluster is always it", () => {
    expect(pickCluster([{ cluster: "c", weight: 0 }, ...clusters], 0)).toBe("a");
    expect(pickCluster([{ cluster: "x", weight: 7 }], 0.99)).toBe("x");
    expect(pickCluster([], 0.5)).toBe("");
  });
});
