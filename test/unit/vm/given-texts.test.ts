import { describe, expect, it } from "vitest";
import { giveText } from "../../../host/vm/given-texts.ts";

function page() {
  const bytes = Buffer.alloc(512, 0xee);
  return { bytes, words: new Uint32Array(bytes.buffer, bytes.byteOffset, 128) };
}

function given(text: string, at: number): Buffer {
  const { bytes, words } = page();
  giveText(text, bytes, words, at);
  return bytes;
}

describe("texts for guests", () => {
  it("arrive as they are, the first time and again, at every length and place", () => {
    for (let length = 1; length <= 80; length++) {
      const text = Array.from({ length }, (_, at) => String.fromCharCode(1 + ((at * 7 + length) % 255))).join("");
      for (const at of [8, 9, 12, 8]) expect(given(text, at).latin1Slice(at, at + length)).toBe(text);
    }
  });

  it("leave the bytes behind them alone", () => {
    for (let length = 1; length <= 64; length++) {
      const text = "x".repeat(length);
      given(text, 8);
      const bytes = given(text, 8);
      expect(bytes.subarray(8 + length).every((byte) => byte === 0xee)).toBe(true);
      expect(bytes.subarray(0, 8).every((byte) => byte === 0xee)).toBe(true);
    }
  });

  it("are not taken for another of the same length and first character", () => {
    given("gold-1", 8);
    expect(given("gold-2", 8).latin1Slice(8, 14)).toBe("gold-2");
    expect(given("gold-1", 8).latin1Slice(8, 14)).toBe("gold-1");
  });
});
