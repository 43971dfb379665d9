// Bodies: windows, edits, and a scanner that finds what chunks cut in two.
import { beforeAll, describe, expect, test } from "vitest";
import type { Compiled } from "../../../sdk/build/index.ts";
import * as map from "../../../sdk/assembly/abi/map.ts";
import { buildGuest, GuestKit } from "../../support/guest-kit.ts";

describe("bodies", () => {
  let built: Compiled;
  beforeAll(async () => {
    built = await buildGuest("body");
  });
  const started = (mode: string): GuestKit => {
    const kit = GuestKit.started(built.wasm, JSON.stringify({ mode }));
    kit.open(2);
    return kit;
  };
  /** The text through the guest, cut into chunks; what comes out joined. */
  const through = (kit: GuestKit, chunks: string[]): string =>
    chunks.map((chunk, i) => kit.responseBody(2, chunk, i === chunks.length - 1).toString()).join("");

  test("content-length goes when the body will change", () => {
    const kit = started("upper");
    kit.responseHeaders(2, [["content-length", "3"]], false);
    expect(kit.maps.get(map.HTTP_RESPONSE_HEADERS)).toEqual([]);
  });

  test.each([
    ["upper", "abc ü", "ABC ü"],
    ["wrap", "abc", "<abc>"],
    ["wrap", "", "<>"],
    ["replace", "abc", "size 3 ü"],
    ["drop", "abc", "c"],
    ["drop", "a", ""],
  ])("%s: %j becomes %j", (mode, given, expected) => {
    expect(started(mode).responseBody(2, given, true).toString()).toBe(expected);
  });

  test("a filter that waits for the end says Pause until then", () => {
    const kit = started("wait");
    kit.responseBody(2, "ab", false);
    expect(kit.call("proxy_on_response_body", 2, 2, 0)).toBe(1);
    expect(kit.responseBody(2, "abcd", true).toString()).toBe("ABCD");
  });

  test("a word is found however the chunks cut it", () => {
    const text = "xsecret, secsecret sec";
    const expected = "x******, sec****** sec";
    for (let cut = 0; cut <= text.length; cut++) {
      expect(through(started("scan"), [text.slice(0, cut), text.slice(cut)])).toBe(expected);
    }
    expect(through(started("scan"), [...text])).toBe(expected);
    expect(through(started("scan"), [...text, ""])).toBe(expected);
  });

  test("large chunks spill and are given back", () => {
    const kit = started("upper");
    const big = Buffer.alloc(100_000, "a");
    for (let i = 0; i < 300; i++) expect(kit.responseBody(2, big, false)[99_999]).toBe(65);
    expect(kit.memoryBytes).toBeLessThanOrEqual(1 << 20);
  });

  test("debug builds stop a view that is used after its callback", () => {
    const kit = started("keep");
    kit.responseBody(2, "abcd", false);
    expect(() => kit.responseBody(2, "efgh", true)).toThrow(/unreachable/);
    expect(kit.log.at(-1)?.[1]).toMatch(
      /^abort: bytes used after their callback at ~lib\/@sluice\/sdk\/assembly\/bytes.ts:\d+:\d+$/,
    );
  });
});
