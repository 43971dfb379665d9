import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { build, type Compiled, type Harness, harness, refusalOf } from "../../sdk/testing/index.ts";

type Input = Parameters<Harness["request"]>[0];
let built: Compiled;
const running: Harness[] = [];
beforeAll(async () => {
  built = await build("filters/gray");
});
afterEach(() => {
  for (const h of running.splice(0)) {
    expect([h.leaks(), h.faults]).toEqual([{ streams: 0, contexts: 0 }, []]);
    h.close();
  }
});
async function start(config: object, host: object = {}): Promise<Harness> {
  const h = await harness(built.wasm, { config, ...host });
  running.push(h);
  return h;
}
/** The tag that the upstream sees. */
const tagOf = (h: Harness, input: Input = {}, header = "x-gray-tag"): string | undefined =>
  h.request(input).respond().end().upstreamRequest!.header(header);
const user = (id: string): Input => ({ headers: { "x-user": id } });

describe("gray: rules", () => {
  test("the first rule that takes a request gives its tag", async () => {
    const rules = [
      { name: "staff", match: { headers: { "X-Group": { in: ["staff", "beta"] } } }, tag: "v3" },
      { name: "opted-in", match: { cookies: { preview: { exact: "1" } } }, tag: "v2" },
      { name: "city", match: { prefix: "/orders", queryParams: { city: { prefix: "h" } } }, tag: "hz" },
    ];
    const h = await start({ rules, defaultTag: "v1" });
    const cookie = "a=b; preview=1";
    expect(tagOf(h, { headers: { "x-group": "beta", cookie } })).toBe("v3");
    expect(tagOf(h, { headers: { "x-group": "guest", cookie } })).toBe("v2");
    expect(tagOf(h, { path: "/orders?x=1&city=hz%20west" })).toBe("hz");
    expect(tagOf(h, { path: "/web?city=hz" })).toBe("v1");
    expect(tagOf(h)).toBe("v1");
  });

  test("query parameters are compared decoded", async () => {
    const match = { queryParams: { who: { exact: "ada l" } } };
    const h = await start({ rules: [{ name: "ada", match, tag: "a" }] });
    expect([
      tagOf(h, { path: "/?who=ada%20l" }),
      tagOf(h, { path: "/?who=ada+l" }),
      tagOf(h, { path: "/?who=ada" }),
    ]).toEqual(["a", "a", undefined]);
  });

  test("a long user list is looked through to its end", async () => {
    const list = Array.from({ length: 500 }, (_, i) => `user-${i}`);
    const h = await start({ rules: [{ name: "list", match: { headers: { "x-user": { in: list } } }, tag: "v2" }] });
    expect(["user-0", "user-499", "user-500", "user-", "USER-1"].map((id) => tagOf(h, user(id)))).toEqual([
      "v2",
      "v2",
      undefined,
      undefined,
      undefined,
    ]);
  });

  test("tags are counted by label", async () => {
    const h = await start({ rules: [{ name: "a", match: { prefix: "/a" }, tag: "v2" }], defaultTag: "v1" });
    for (const path of ["/a", "/b", "/a/c", "/d", "/e"]) tagOf(h, { path });
    expect([h.metric("tagged", { tag: "v2" }), h.metric("tagged", { tag: "v1" })]).toEqual([2, 3]);
  });
});

describe("gray: the tag's header", () => {
  test("what clients send under its name never arrives", async () => {
    const forged = { headers: { "X-Gray-Tag": ["v9", "v8"] } };
    const plain = await start({ rules: [{ name: "a", match: { prefix: "/a" }, tag: "v2" }] });
    expect(tagOf(plain, forged)).toBeUndefined();
    expect(tagOf(plain, { path: "/a", ...forged })).toBe("v2");
    expect(tagOf(await start({ defaultTag: "v1" }), forged)).toBe("v1");
  });

  test("another name may be chosen", async () => {
    const h = await start({ header: "X-Lane", defaultTag: "base" });
    expect([tagOf(h, {}, "x-lane"), tagOf(h)]).toEqual(["base", undefined]);
  });

  test("the route is matched anew when the header changed, and only then", async () => {
    const allowed = [...built.info.callbacks, ...built.info.hostCalls].filter((name) => !name.includes("foreign"));
    const host = { options: { allowedCapabilities: allowed } };
    const h = await start({ rules: [{ name: "a", match: { prefix: "/a" }, tag: "v2" }] }, host);
    const asked = (): boolean => h.logs.some(({ message }) => message.startsWith("proxy_call_foreign_function"));
    tagOf(h);
    expect(asked()).toBe(false);
    tagOf(h, { headers: { "x-gray-tag": "v9" } });
    expect(asked()).toBe(true);
  });
});

describe("gray: shares", () => {
  const users = Array.from({ length: 4000 }, (_, i) => `user-${i * 31}`);
  async function taken(rule: object, ids: readonly string[] = users): Promise<string[]> {
    const h = await start({ rules: [{ name: "share", tag: "v2", key: "header:x-user", ...rule }] });
    return ids.filter((id) => tagOf(h, user(id)) === "v2");
  }

  test.each([
    [0, 0, 0],
    [1, 20, 65],
    [30, 1110, 1290],
    [100, 4000, 4000],
  ])("%s %% of 4000 users are tagged", async (percent, low, high) => {
    const { length } = await taken({ percent });
    expect(length).toBeGreaterThanOrEqual(low);
    expect(length).toBeLessThanOrEqual(high);
  });

  test("users stay, request after request, and stay when the percentage is raised", async () => {
    const [ten, again, twenty] = [
      await taken({ percent: 10 }),
      await taken({ percent: 10 }),
      await taken({ percent: 20 }),
    ];
    expect(again).toEqual(ten);
    expect(twenty).toEqual(expect.arrayContaining(ten));
  });

  test("another salt takes other users, the same salt the same ones", async () => {
    const own = await taken({ percent: 50 });
    const other = new Set(await taken({ percent: 50, salt: "2031" }));
    const both = own.filter((id) => other.has(id)).length;
    expect(Math.abs(both - 1000)).toBeLessThan(120);
    expect(await taken({ name: "renamed", salt: "share", percent: 50 })).toEqual(own);
  });

  test("a user outside of one rule's share may fall into the next rule", async () => {
    const rule = { tag: "v2", percent: 50, key: "header:x-user" };
    const h = await start({
      rules: [
        { name: "a", ...rule },
        { name: "b", ...rule, tag: "v3" },
      ],
      defaultTag: "v1",
    });
    for (const id of users) tagOf(h, user(id));
    const [v1, v2, v3] = ["v1", "v2", "v3"].map((tag) => h.metric("tagged", { tag }));
    expect([Math.abs(v2! - 2000) < 130, Math.abs(v3! - 1000) < 120, v1! + v2! + v3!]).toEqual([true, true, 4000]);
  });

  test("cookies and addresses are keys as well", async () => {
    const rule = { name: "s", tag: "v2", percent: 50 };
    const byCookie = await start({ rules: [{ ...rule, key: "cookie:sid" }] });
    const bySource = await start({ rules: [{ ...rule, key: "source" }] });
    for (const id of users.slice(0, 50)) {
      const cookie = (rest: string): Input => ({ headers: { cookie: `${rest}; sid=${id}` } });
      expect(tagOf(byCookie, cookie("a=1"))).toBe(tagOf(byCookie, cookie("a=2")));
      const from = (sourcePort: number): Input => ({ facts: { sourceAddress: `10.0.0.${id.slice(5)}`, sourcePort } });
      expect(tagOf(bySource, from(1))).toBe(tagOf(bySource, from(2)));
    }
    expect(byCookie.metric("tagged")).toBeGreaterThan(20);
    expect(byCookie.metric("tagged")).toBeLessThan(80);
  });

  test("without a key the request's id decides", async () => {
    const h = await start({ rules: [{ name: "share", tag: "v2", percent: 30, key: "header:x-user" }] });
    const run = (): boolean[] => users.map((requestId) => tagOf(h, { requestId, headers: { "x-user": "" } }) === "v2");
    const first = run();
    expect(run()).toEqual(first);
    const { length } = first.filter(Boolean);
    expect(Math.abs(length - 1200)).toBeLessThan(100);
  });
});

describe("gray: configuration", () => {
  const rule = (more: object): object => ({ rules: [{ name: "r", tag: "v2", ...more }] });
  test.each([
    [undefined],
    [{}],
    [rule({})],
    [rule({ percent: 0.0001, key: "source", salt: "s" })],
    [{ defaultTag: "v1" }],
  ])("accepts %j", async (config) => {
    expect(await refusalOf(built.wasm, config)).toBeNull();
  });

  test.each([
    [rule({ name: "" }), "at /rules/0: name: must not be empty"],
    [rule({ tag: "" }), "at /rules/0: tag: must not be empty"],
    [rule({ tag: "v 2" }), 'at /rules/0: tag: expected visible ASCII without blanks, got "v 2"'],
    [rule({ percent: 120 }), "at /rules/0/percent: expected 0-100, got 120"],
    [rule({ key: "global" }), 'at /rules/0: key: expected header:NAME, cookie:NAME, source or requestId, got "global"'],
    [rule({ key: "x-user" }), "at /rules/0: key: expected header:NAME"],
    [rule({ match: { cookies: { sid: {} } } }), "at /rules/0/match/cookies/sid: give exactly one of"],
    [
      {
        rules: [
          { name: "r", tag: "a" },
          { name: "r", tag: "b" },
        ],
      },
      'at /rules/1/name: "r" is already the name of rule 0',
    ],
    [{ header: ":path" }, 'at /header: ":path" is a pseudo header'],
    [{ header: "connection" }, 'at /header: "connection" is written by the proxy itself'],
    [{ defaultTag: "v1\n" }, "at /defaultTag: expected visible ASCII"],
    [{ rule: [] }, 'at /rule: unknown key, did you mean "rules"'],
  ])("refuses %j", async (config, reason) => {
    expect(await refusalOf(built.wasm, config)).toContain(reason);
  });
});
