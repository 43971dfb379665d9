// Texts out of guest memory through the table that all instances of a thread share.
import { describe, expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import { TextTable } from "../../../host/vm/name-table.ts";

const memory = new ArrayBuffer(65_536);
const bytes = Buffer.from(memory);
const words = new Uint32Array(memory);
const put = (text: string, at: number): number => bytes.write(text, at, "latin1");

describe("the table of texts", () => {
  test("gives the text at any address and of any length, whatever stands around it", () => {
    const table = new TextTable((text) => text);
    for (let at = 100; at < 108; at++) {
      for (let length = 0; length <= 70; length++) {
        bytes.fill(0xff);
        const text = "abcdefghijklmnopqrstuvwxyz0123456789".repeat(2).slice(0, length);
        put(text, at);
        expect(table.lookup(bytes, words, at, length)).toBe(text);
        expect(table.lookup(bytes, words, at, length)).toBe(text);
      }
    }
  });

  test("tells texts apart that differ in one byte, wherever it is", () => {
    const table = new TextTable((text) => text);
    for (let length = 1; length <= 64; length++) {
      for (let place = 0; place < length; place++) {
        for (const byte of ["a", "b", "\xff", "\0"]) {
          const text = `${"x".repeat(place)}${byte}${"x".repeat(length - place - 1)}`;
          put(text, 256);
          put(text, 513);
          expect(table.lookup(bytes, words, 256, length)).toBe(text);
          expect(table.lookup(bytes, words, 513, length)).toBe(text);
        }
      }
    }
  });

  test("random texts, many more than it has room for, are never mistaken for another", () => {
    const table = new TextTable((text) => text);
    const random = seededRandom(7);
    for (let round = 0; round < 20_000; round++) {
      const length = Math.floor(random.fraction() * 20);
      const at = 1024 + Math.floor(random.fraction() * 64);
      const text = Array.from({ length }, () => String.fromCharCode(97 + Math.floor(random.fraction() * 3))).join("");
      put(text, at);
      expect(table.lookup(bytes, words, at, length)).toBe(text);
    }
  });

  test("keeps what was made of a text, and makes it once", () => {
    const made: string[] = [];
    const table = new TextTable((text) => {
      made.push(text);
      return text.toLowerCase();
    });
    put("X-Name", 64);
    put("x-name", 128);
    expect([table.lookup(bytes, words, 64, 6), table.lookup(bytes, words, 64, 6)]).toEqual(["x-name", "x-name"]);
    expect(table.lookup(bytes, words, 128, 6)).toBe("x-name");
    expect(made).toEqual(["X-Name", "x-name"]);
  });
});
