// No secret leaves in a recording, and what stands for it is the same wherever it stood.
import { describe, expect, test } from "vitest";
import type { InLine, RecordLine } from "../../../host/replay/events.ts";
import { type BodyMode, Redactor } from "../../../host/replay/redact.ts";

const redactor = (bodies: BodyMode = "off") => new Redactor(Buffer.alloc(32, 1), bodies);
const seen = (maps: Record<string, readonly string[]>, more: Partial<InLine> = {}): RecordLine => ({
  t: "in",
  vm: "1.1",
  c: 2,
  fn: "proxy_on_request_headers",
  a: [1, 1],
  now: "0",
  mono: 0,
  maps,
  ...more,
});
const call = (fn: string, a: readonly (string | number)[], r: readonly string[] = []): RecordLine => ({
  t: "call",
  vm: "1.1",
  fn,
  a,
  s: 0,
  r,
});

describe("redaction", () => {
  test.each([
    [["authorization", "Bearer abcdefgh"], /^Bearer redacted-[0-9a-f]{16}$/],
    [["proxy-authorization", "opaque-value"], /^redacted-[0-9a-f]{16}$/],
    [["cookie", "a=first-secret; b=other-secret"], /^a=redacted-\w{16}; b=redacted-\w{16}$/],
    [["set-cookie", "a=first-secret; Path=/; HttpOnly"], /^a=redacted-\w{16}; Path=\/; HttpOnly$/],
    [["x-api-key", "k-123456"], /^redacted-/],
    [[":path", "/x?access_token=abcdef&page=2"], /^\/x\?access_token=redacted-\w{16}&page=2$/],
    [["accept", "*/*"], /^\*\/\*$/],
  ])("%s", ([name = "", value = ""], expected) => {
    const line = redactor().line(seen({ 0: [name, value] })) as InLine;
    expect(line.maps?.[0]?.[1]).toMatch(expected);
  });

  test("a secret is found again in keys, arguments, results and log lines, also in parts", () => {
    const one = redactor();
    const token = "aaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbb.cccccccccccccccccccc";
    one.line(seen({ 0: ["authorization", `Bearer ${token}`, "cookie", "sid=session-77"] }));
    const lines = [
      call("proxy_get_shared_data", ["user:session-77"], [`v ${token}`]),
      call("proxy_call_foreign_function", ["sluice.verify_jws", `x${token}y`]),
      call("proxy_log", [2, "signed aaaaaaaaaaaaaaaaaaaa.bbbbbbbbbbbbbbbbbbbb"]),
      call("proxy_get_header_map_value", [0, "authorization"], [`Bearer ${token}`]),
      call("proxy_get_property", ["request\0headers\0cookie"], ["sid=session-77"]),
      call("proxy_add_header_map_value", [0, "x-seen", `saw ${token}`]),
    ].map((line) => JSON.stringify(one.line(line)));
    for (const line of lines) expect(line).not.toMatch(/aaaaaaaa|bbbbbbbb|cccccccc|session-77/);
  });

  test("the user and password of Basic", () => {
    const one = redactor();
    const basic = Buffer.from("jane:pa55word").toString("base64");
    one.line(seen({ 0: ["authorization", `Basic ${basic}`] }));
    expect(JSON.stringify(one.line(call("proxy_log", [2, "jane:pa55word, pa55word"])))).not.toContain("pa55word");
  });

  test("keys of a configuration, which are remembered for good", () => {
    const one = redactor();
    const line = one.line({ t: "vm", vm: "1.1", configs: ['{"a":1,"apiKey":"key-123456"}'], logLevel: 2 });
    expect(JSON.stringify(line)).toMatch(/\\"a\\":1,\\"apiKey\\":\\"redacted-/);
    for (let at = 0; at < 1000; at++) one.line(seen({ 0: ["authorization", `Bearer token-${at}`] }));
    expect(JSON.stringify(one.line(call("proxy_log", [2, "uses key-123456"])))).not.toContain("key-123456");
  });

  test.each([
    ["off", { n: 5 }],
    ["hash", { n: 5, h: expect.stringMatching(/^[0-9a-f]{32}$/) as string }],
    [{ head: 2 }, { n: 5, x: "he" }],
    ["full", { n: 5, x: "hello" }],
  ] as const)("bodies %j", (mode, expected) => {
    const line = redactor(mode).line(seen({}, { body: { n: 5, x: "hello" } })) as InLine;
    expect(line.body).toEqual(expected);
  });
});
