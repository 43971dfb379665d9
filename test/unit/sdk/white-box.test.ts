// The pure parts of the SDK against their counterparts in JavaScript and in the host: JSON, units, globs.
import { beforeAll, describe, expect, test } from "vitest";
import { decodePairs, encodePairs } from "../../../host/abi/pairs.ts";
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

describe("pairs", () => {
  const random = generator(6);
  const units = ["a", "Z", "-", ":", "é", "€", "🎉", ""];
  const word = (): string => Array.from({ length: random(6) }, () => units[random(units.length)]).join("");
  const wire = (text: string): string => Buffer.from(text).latin1Slice();

  test("what the guest packs is what the host packs", () => {
    for (let round = 0; round < 500; round++) {
      const list = Array.from({ length: 2 * random(6) }, word);
      // An empty list has two spellings; the guest's is nothing at all.
      expect(askText("pack", list.join("\n"))).toBe(
        list.length === 0 ? "" : encodePairs(list.map(wire)).toString("hex"),
      );
    }
  });

  test("maps are read as the host reads them, and broken ones never trap", () => {
    for (let round = 0; round < 2000; round++) {
      const bytes = encodePairs(Array.from({ length: 2 * random(4) }, () => wire(word())));
      if (bytes.length > 0 && random(2) === 1) bytes[random(bytes.length)] = random(256);
      const cut = random(4) === 0 ? bytes.subarray(0, random(bytes.length + 1)) : bytes;
      const read = askText("unpack", cut.toString("hex"));
      const host = decodePairs(Buffer.from(cut));
      // The guest trusts the host's terminators and does not look at them; where both accept, they agree.
      if (host === null) continue;
      const lines = host.flatMap((text, at) =>
        at % 2 === 0
          ? [`${Buffer.from(text, "latin1").toString("hex")}=${Buffer.from(host[at + 1]!, "latin1").toString("hex")}\n`]
          : [],
      );
      expect(read).toBe(lines.join(""));
    }
  });
});

describe("text", () => {
  const random = generator(7);
  const units = [
    "a",
    "\u007f",
    "\u0080",
    "\u07ff",
    "\u0800",
    "\uffff",
    "\ud800\udc00",
    "\udbff\udfff",
    "%",
    "+",
    "%41",
    "%c3%a9",
    "%zz",
    "%4",
  ];
  const text = (): string => Array.from({ length: random(10) }, () => units[random(units.length)]).join("");

  test("UTF-8 is TextEncoder's, both ways", () => {
    for (let round = 0; round < 1000; round++) {
      const one = text();
      expect(askText("utf8", one)).toBe(Buffer.from(one).toString("hex"));
      expect(askText("utf8Back", Buffer.from(one).toString("hex"))).toBe(one);
    }
  });

  test("query values decode as URLSearchParams decodes them", () => {
    for (let round = 0; round < 1000; round++) {
      const one = text().replaceAll(/[&#\0]/g, "");
      // Node truncates letters beyond ASCII that stand beside an escape; as escapes they mean the same.
      const escaped = one.replaceAll(/[^\x20-\x7f]+/g, encodeURIComponent);
      const theirs = new URLSearchParams(`k=${escaped}`).get("k");
      expect([one, askText("percent", one)]).toEqual([one, theirs]);
    }
  });

  test("integers are written as BigInt writes them", () => {
    for (const value of [0n, 1n, -1n, 10n, 99n, 100n, 2n ** 53n, 2n ** 63n - 1n, -(2n ** 63n) + 1n])
      expect(askText("decimal", String(value))).toBe(String(value));
  });
});

describe("hashes", () => {
  const fnv = (units: Iterable<number>): number => {
    let hash = 0x811c9dc5;
    for (const unit of units) hash = Math.imul(hash ^ unit, 0x01000193) >>> 0;
    return hash;
  };

  test("FNV-1a has its published values", () => {
    // draft-eastlake-fnv, test vectors for the 32-bit hash.
    for (const [text, hash] of [
      ["", 0x811c9dc5],
      ["a", 0xe40c292c],
      ["b", 0xe70c2de5],
      ["foobar", 0xbf9cf968],
    ] as const) {
      expect(ask<number>("hashBytes", text) >>> 0).toBe(hash);
      expect(ask<number>("hashText", text) >>> 0).toBe(hash);
    }
  });

  test("bytes, UTF-16 units and digits are hashed as in JavaScript", () => {
    const random = generator(8);
    for (let round = 0; round < 500; round++) {
      const text = Array.from({ length: random(12) }, () => String.fromCodePoint(33 + random(3000))).join("");
      expect(ask<number>("hashBytes", text) >>> 0).toBe(fnv(Buffer.from(text)));
      expect(ask<number>("hashText", text) >>> 0).toBe(
        fnv(Array.from({ length: text.length }, (_, at) => text.charCodeAt(at))),
      );
      const number = random(2 ** 32);
      expect(ask<number>("hashDecimal", String(number)) >>> 0).toBe(fnv(Buffer.from(String(number))));
    }
  });
});
