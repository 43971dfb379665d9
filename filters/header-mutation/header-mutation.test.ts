import { afterEach, beforeAll, describe, expect, test } from "vitest";
import { compile, type Harness, harness, refusalOf } from "../../sdk/testing/index.ts";

let wasm: Uint8Array;
let h: Harness;
beforeAll(async () => {
  wasm = await compile("filters/header-mutation/assembly/index.ts");
});
afterEach(() => {
  expect(h.leaks()).toEqual({ streams: 0, contexts: 0 });
  h.close();
});
const start = async (config: unknown): Promise<void> => {
  h = await harness(wasm, { config, clock: "2031-02-28T13:04:05.067Z" });
};
/** What the upstream sees, and then the client, of the header x-out. */
async function edited(list: "requestMutations" | "responseMutations", mutation: object, given: string[]) {
  await start({ [list]: [{ header: "X-Out", ...mutation }] });
  const headers = given.length === 0 ? {} : { "x-out": given };
  const exchange = h
    .request({ headers: { "x-user": "ada", ...headers } })
    .respond({ status: 201, headers })
    .end();
  const message = list === "requestMutations" ? exchange.upstreamRequest! : exchange.response!;
  return message.list.flatMap((text, at) => (text === "x-out" && at % 2 === 0 ? [message.list[at + 1]] : []));
}

describe.each(["requestMutations", "responseMutations"] as const)("header-mutation: %s", (list) => {
  test.each([
    ["append", [], ["new"]],
    ["append", ["old"], ["old", "new"]],
    ["overwrite", [], ["new"]],
    ["overwrite", ["a", "b"], ["new"]],
    ["addIfAbsent", [], ["new"]],
    ["addIfAbsent", ["old"], ["old"]],
  ])("%s over %j gives %j", async (action, given, expected) => {
    expect(await edited(list, { action, value: "new" }, given)).toEqual(expected);
  });

  test("remove deletes every value and minds no absence", async () => {
    expect(await edited(list, { action: "remove" }, ["a", "b"])).toEqual([]);
    h.close();
    expect(await edited(list, { action: "remove" }, [])).toEqual([]);
  });

  test("a value that comes out empty is not set", async () => {
    expect(await edited(list, { value: "%REQ(x-absent)%" }, ["old"])).toEqual(["old"]);
  });
});

describe("header-mutation: operators", () => {
  test.each([
    ["plain text", "plain text"],
    ["100 %% %REQ(X-User)%!", "100 % ada!"],
    ["%PROTOCOL%", "HTTP/1.1"],
    ["%DOWNSTREAM_REMOTE_ADDRESS%", "127.0.0.1:40000"],
    ["%DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT%", "127.0.0.1"],
    ["%START_TIME%", "2031-02-28T13:04:05.067Z"],
    ["%START_TIME(%s%3f)%", String(Date.parse("2031-02-28T13:04:05.067Z"))],
    ["%REQ(:path)%", "/"],
  ])("%s becomes %s", async (value, expected) => {
    expect(await edited("requestMutations", { value }, [])).toEqual([expected]);
  });

  test.each([
    ["%RESPONSE_CODE%", "201"],
    ["%RESP(x-out)%+", "old+"],
    ["%REQ(x-user)% %RESPONSE_CODE%", "ada 201"],
  ])("%s becomes %s in responses", async (value, expected) => {
    expect(await edited("responseMutations", { value }, ["old"])).toEqual([expected]);
  });

  test.each([
    ["1970-01-01T00:00:00.000Z"],
    ["2000-02-29T23:59:59.999Z"],
    ["2024-03-01T00:00:00.001Z"],
    ["2100-12-31T12:00:00.500Z"],
  ])("the start time %s is written as ISO 8601", async (clock) => {
    h = await harness(wasm, { clock, config: { requestMutations: [{ header: "x-at", value: "%START_TIME%" }] } });
    expect(h.request().respond().end().upstreamRequest?.header("x-at")).toBe(clock);
  });

  test("bytes that are no UTF-8 are copied as they are", async () => {
    await start({ requestMutations: [{ header: "x-copy", value: "<%REQ(x-raw)%>" }] });
    const exchange = h
      .request({ headers: { "x-raw": "caf\u00e9" } })
      .respond()
      .end();
    expect(exchange.upstreamRequest?.header("x-copy")).toBe("<caf\u00e9>");
  });

  test("a later mutation sees what an earlier one did", async () => {
    const list = [
      { header: "x-one", value: "1" },
      { header: "x-two", value: "%REQ(x-one)%2" },
      { action: "remove", header: "x-one" },
    ];
    await start({ requestMutations: list });
    const sent = h.request().respond().end().upstreamRequest;
    expect([sent?.header("x-one"), sent?.header("x-two")]).toEqual([undefined, "12"]);
  });
});

describe("header-mutation: match", () => {
  const mutations = {
    requestMutations: [{ header: "x-in", value: "1" }],
    responseMutations: [{ header: "x-in", value: "1" }],
  };
  const hit = (input: Parameters<Harness["request"]>[0]): boolean[] => {
    const exchange = h.request(input).respond().end();
    return [exchange.upstreamRequest?.header("x-in") === "1", exchange.response?.header("x-in") === "1"];
  };

  test("only requests under the prefix are edited, and only their responses", async () => {
    await start({ match: { prefix: "/orders" }, ...mutations });
    expect(hit({ path: "/orders/7?a=b" })).toEqual([true, true]);
    expect(hit({ path: "/order" })).toEqual([false, false]);
  });

  test("headers, cookies and query parameters must all match", async () => {
    const match = {
      headers: { "X-Group": { in: ["beta", "staff"] } },
      cookies: { sid: { prefix: "t-" } },
      queryParams: { debug: { present: true } },
    };
    await start({ match, ...mutations });
    const good = { path: "/?a=1&debug", headers: { "x-group": "beta", cookie: "x=1; sid=t-9" } };
    expect(hit(good)[0]).toBe(true);
    expect(hit({ ...good, headers: { ...good.headers, "x-group": "gamma" } })[0]).toBe(false);
    expect(hit({ ...good, headers: { ...good.headers, cookie: "xsid=t-9; sid=s" } })[0]).toBe(false);
    expect(hit({ ...good, path: "/?debugger" })[0]).toBe(false);
    expect(hit({ ...good, headers: { "x-group": "beta" } })[0]).toBe(false);
  });
});

describe("header-mutation: configuration", () => {
  const request = (mutation: object): object => ({ requestMutations: [mutation] });
  test.each([
    [undefined],
    [{}],
    [{ requestMutations: [], responseMutations: [] }],
    [request({ header: "x-a", value: "%REQ(b)%" })],
    [{ match: { prefix: "/", headers: { a: { exact: "" } } } }],
  ])("accepts %j", async (config) => {
    expect(await refusalOf(wasm, config)).toBeNull();
  });

  test.each([
    [{ requestMutation: [] }, 'at /requestMutation: unknown key, did you mean "requestMutations"'],
    [request({ action: "add", header: "a", value: "b" }), "at /requestMutations/0/action: expected one of append,"],
    [request({ value: "b" }), "at /requestMutations/0: header: a header name must not be empty"],
    [request({ header: ":path", value: "/" }), '":path" is a pseudo header'],
    [request({ header: "Host", value: "a" }), '"Host" is written by the proxy itself'],
    [request({ header: "x y", value: "a" }), '"x y" is no header name'],
    [
      request({ header: "a" }),
      "at /requestMutations/0: value: must not be empty; to delete the header use action remove",
    ],
    [request({ action: "remove", header: "a", value: "b" }), "value: remove takes no value"],
    [request({ header: "a", value: "%HOSTNAME%" }), "value: unknown operator %HOSTNAME%; known: %REQ(name)%"],
    [request({ header: "a", value: "%REQ()%" }), "unknown operator %REQ()%"],
    [request({ header: "a", value: "50%" }), 'write %% for a percent sign: "%"'],
    [
      request({ header: "a", value: "x%REQ(b" }),
      'an operator without its closing %, write %% for a percent sign: "%REQ(b"',
    ],
    [request({ header: "a", value: "a\r\nb" }), "value: control characters are not allowed"],
    [
      request({ header: "a", value: "%RESPONSE_CODE%" }),
      "at /requestMutations/0/value: %RESPONSE_CODE% is known only in responseMutations",
    ],
    [{ match: { prefix: "orders" } }, 'at /match: prefix: expected a path such as "/orders"'],
    [
      { match: { headers: { a: { exact: "1", prefix: "1" } } } },
      "at /match/headers/a: give exactly one of exact, prefix, in, present: true",
    ],
    ["{", "expected"],
  ])("refuses %j", async (config, reason) => {
    expect(await refusalOf(wasm, config)).toContain(reason);
  });
});
