// The pure parts of the SDK against their counterparts in JavaScript and in the host: JSON, units, globs.
import { beforeAll, describe, expect, test } from "vitest";
import { parseDurationMs, parseRate, parseSizeBytes } from "../../../host/base/units.ts";
import { generator, WhiteBox } from "../../support/white-box.ts";

let box: WhiteBox;
beforeAll(async () => {
  box = await WhiteBox.of("white-box");
});
const ask = <T>(name: string, ...texts: string[]): T => box.ask<T>(name, ...texts);
const askText = (name: string, text: string): string => box.askText(name, text);

const PIECES = [
  "{",
  "}",
  "[",
  "]",
  ",",
  ":",
  '"a"',
  '"b\\n"',
  '"\\u00e4"',
  "1",
  "-0",
  "0.5",
  "1e3",
  "01",
  "1.",
  "true",
  "null",
  "nul",
  " ",
  "\n",
  '"',
  "\\",
  "-",
  "\t",
  "ü",
  "\0",
];

describe("JSON", () => {
  const isJson = (text: string): boolean => {
    try {
      JSON.parse(text);
      return true;
    } catch {
      return false;
    }
  };

  test("random pieces are accepted exactly when JSON.parse accepts them", () => {
    const random = generator(1);
    let accepted = 0;
    for (let round = 0; round < 20_000; round++) {
      const text = Array.from({ length: 1 + random(7) }, () => PIECES[random(PIECES.length)]).join("");
      const reason = askText("syntax", text);
      // A duplicate key is legal for JSON.parse and a mistake for us.
      if (reason.endsWith("duplicate key")) continue;
      expect({ text, ok: reason === "" }).toEqual({ text, ok: isJson(text) });
      accepted += reason === "" ? 1 : 0;
    }
    expect(accepted).toBeGreaterThan(300);
  });

  test("documents with one byte changed are judged as by JSON.parse", () => {
    const random = generator(2);
    const value = {
      a: [1, -2.5e-7, 'x"\\/\b\f\n\r\t\u00e9\ud83c\udf89', true, null, { b: [] }],
      c: { d: false, e: [[[]]] },
    };
    const whole = JSON.stringify(value, null, 1);
    expect(askText("syntax", whole)).toBe("");
    for (let round = 0; round < 5000; round++) {
      const at = random(whole.length);
      const text = whole.slice(0, at) + (PIECES[random(PIECES.length)] ?? "") + whole.slice(at + random(3));
      if (!text.isWellFormed()) continue;
      const reason = askText("syntax", text);
      if (reason.endsWith("duplicate key")) continue;
      expect({ text, ok: reason === "" }).toEqual({ text, ok: isJson(text) });
    }
  });

  test("strings decode as JSON.parse decodes them", () => {
    const random = generator(3);
    const units = ["a", "é", "€", "🎉", "\\n", "\\\\", '\\"', "\\/", "\\u0041", "\\ud83c\\udf89", "\\ud800", "\u007f"];
    for (let round = 0; round < 3000; round++) {
      const text = `"${Array.from({ length: random(8) }, () => units[random(units.length)]).join("")}"`;
      expect(askText("jsonString", text)).toBe(JSON.parse(text));
    }
  });

  test("numbers are within one unit in the last place of JSON.parse", () => {
    const random = generator(4);
    for (let round = 0; round < 3000; round++) {
      const digits = Array.from({ length: 1 + random(17) }, () => random(10))
        .join("")
        .replace(/^0+(?=.)/, "");
      const text = `${random(2) ? "-" : ""}${digits}${random(2) ? `.${random(1e6)}` : ""}${random(2) ? `e${random(40) - 20}` : ""}`;
      const [ours, theirs] = [ask<number>("jsonFloat", text), Number(text)];
      expect(Math.abs(ours - theirs)).toBeLessThanOrEqual(Math.abs(theirs) * 2 ** -52);
    }
  });
});

describe("units", () => {
  const NUMBERS = ["0", "1", "1.5", "0.001", "250", "12.345678", "1.", ".5", "-1", "", "1e3", " 7 "];
  const DURATIONS = ["ns", "us", "ms", "s", "m", "h", "", "d", " ms", "MS"];
  const SIZES = ["B", "KiB", "MiB", "GiB", "kB", "KB", "MB", "GB", "", "TB", " B", "b"];

  test("durations and sizes mean the same in the guest and in the host", () => {
    for (const number of NUMBERS) {
      for (const unit of DURATIONS) {
        const text = number + unit;
        const host = parseDurationMs(text);
        const expected = host === null ? -1 : Math.round(host * 1e6);
        expect([text, ask<number>("durationNanos", text)]).toEqual([text, expected]);
      }
      for (const unit of SIZES) {
        const text = number + unit;
        const host = parseSizeBytes(text);
        expect([text, ask<number>("sizeBytes", text)]).toEqual([text, host === null ? -1 : Math.round(host)]);
      }
    }
  });

  test.each(["100/s", "5/10s", "1000/h", " 3 / m ", "1/1.5s", "x/s", "1/", "/s", "1/0s", "5/2x"])(
    "the rate %j",
    (text) => {
      const host = parseRate(text);
      const legal = host !== null && host.periodMs > 0;
      expect(askText("rate", text)).toBe(legal ? `${host.events}/${Math.round(host.periodMs * 1e6)}` : "");
    },
  );
});

describe("globs", () => {
  const toRegExp = (pattern: string): RegExp =>
    new RegExp(`^${pattern.replace(/\*\*|\*|\?/g, (one) => ({ "**": "[^]*", "*": "[^/]*" })[one] ?? "[^/]")}$`);

  test("random patterns match as the regular expression they stand for", () => {
    const random = generator(5);
    const letters = ["a", "b", "/"];
    const parts = [...letters, "*", "**", "?"];
    for (let round = 0; round < 5000; round++) {
      const pattern = Array.from({ length: random(6) }, () => parts[random(parts.length)]).join("");
      const text = Array.from({ length: random(8) }, () => letters[random(letters.length)]).join("");
      expect([pattern, text, ask<number>("glob", pattern, text) !== 0]).toEqual([
        pattern,
        text,
        toRegExp(pattern).test(text),
      ]);
    }
  });
});
