import { describe, expect, test } from "vitest";
import { decodePairs, encodePairs } from "../../../host/abi/pairs.ts";

describe("serialised pairs", () => {
  test("the sample of the ABI reference is 29 bytes, as listed", () => {
    const hex = "0200000001000000010000000100000002000000610031006200323200";
    expect(encodePairs(["a", "1", "b", "22"]).toString("hex")).toBe(hex);
    expect(decodePairs(Buffer.from(hex, "hex"))).toEqual(["a", "1", "b", "22"]);
  });

  test("an empty map is nothing, or one zero byte", () => {
    expect(encodePairs([]).length).toBe(0);
    expect(decodePairs(Buffer.alloc(0))).toEqual([]);
    expect(decodePairs(Buffer.alloc(1))).toEqual([]);
  });

  test("every byte value survives the round trip", () => {
    const all = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte)).toString("latin1");
    expect(decodePairs(encodePairs(["x", all, all, ""]))).toEqual(["x", all, all, ""]);
  });

  const good = encodePairs(["name", "value", "n", ""]);
  test.each([
    ["truncated", good.subarray(0, -1)],
    ["trailing bytes", Buffer.concat([good, Buffer.from([0])])],
    ["a missing NUL", Buffer.from(good.toString("latin1").replace("value\0", "valuex"), "latin1")],
    ["a count beyond the bytes", Buffer.from([255, 255, 255, 255, 0, 0])],
    ["a name size beyond the bytes", Buffer.from([1, 0, 0, 0, 255, 255, 255, 127, 0, 0, 0, 0, 0, 0])],
    ["more than 1024 pairs", encodePairs(Array.from({ length: 1025 }, () => ["a", "b"]).flat())],
  ])("%s is refused", (_what, bytes) => {
    expect(decodePairs(bytes)).toBeNull();
  });

  test("random bytes never throw", () => {
    let seed = 7;
    const next = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) >>> 0);
    for (let round = 0; round < 5000; round++) {
      const bytes = Buffer.from(Array.from({ length: next() % 40 }, () => (next() >>> 16) % 4));
      expect(() => decodePairs(bytes)).not.toThrow();
    }
  });
});
