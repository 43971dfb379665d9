// The SDK's digests and encodings against node:crypto and Buffer: vectors, every length around a block, random bytes.
import { createHash, createHmac } from "node:crypto";
import { beforeAll, describe, expect, test } from "vitest";
import { generator, WhiteBox } from "../../support/white-box.ts";

let box: WhiteBox;
beforeAll(async () => {
  box = await WhiteBox.of("crypto");
});

const ROUNDS = 400;
const random = generator(20);
const bytes = (length: number): string => String.fromCharCode(...Array.from({ length }, () => random(256)));
const latin1 = (text: string): Buffer => Buffer.from(text, "latin1");
const hashOf = (text: string): string => createHash("sha256").update(latin1(text)).digest("hex");
const codeOf = (key: string, text: string): string =>
  createHmac("sha256", latin1(key)).update(latin1(text)).digest("hex");

describe("SHA-256", () => {
  test("of FIPS 180-4's examples", () => {
    expect(box.askText("hash", "abc")).toBe("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    expect(box.askText("hash", "")).toBe("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    expect(box.askText("hash", "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq")).toBe(
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1",
    );
    expect(box.askText("hash", "a".repeat(1_000_000))).toBe(
      "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0",
    );
  });

  test("of every length up to four blocks", () => {
    for (let length = 0; length <= 256; length++) {
      const text = bytes(length);
      expect(box.askText("hash", text)).toBe(hashOf(text));
    }
  });

  test("of random bytes, in pieces of any size", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const text = bytes(random(500));
      expect(box.askText("hashInPieces", text, String(1 + random(150)))).toBe(hashOf(text));
    }
  });
});

describe("HMAC-SHA256", () => {
  test("of RFC 4231's test cases 1, 2 and 6", () => {
    expect(box.askText("code", "\x0b".repeat(20), "Hi There")).toBe(
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    );
    expect(box.askText("code", "Jefe", "what do ya want for nothing?")).toBe(
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    );
    expect(box.askText("code", "\xaa".repeat(131), "Test Using Larger Than Block-Size Key - Hash Key First")).toBe(
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    );
  });

  test("of random keys and messages, also with an object that has served before", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const [key, text] = [bytes(random(140)), bytes(random(300))];
      expect(box.askText("code", key, text)).toBe(codeOf(key, text));
      expect(box.askText("codeTwice", key, text)).toBe(codeOf(key, text));
    }
  });
});

describe("encodings", () => {
  test("write what Buffer writes, and read it back", () => {
    for (let round = 0; round < ROUNDS; round++) {
      const text = bytes(random(100));
      const [plain, url, digits] = (["base64", "base64url", "hex"] as const).map((to) => latin1(text).toString(to));
      expect(box.askText("base64", text)).toBe(plain);
      expect(box.askText("base64url", text)).toBe(url);
      expect(box.askText("unbase64", plain!)).toBe(digits);
      expect(box.askText("unbase64url", url!)).toBe(digits);
      expect(box.askText("unhex", digits!)).toBe(digits);
      expect(box.askText("unhex", digits!.toUpperCase())).toBe(digits);
    }
  });

  test("read exactly the texts that they would write: anything else is refused", () => {
    const alphabet = "AZaz09+/-_=. \n\u00e9";
    for (let round = 0; round < 4000; round++) {
      const text = Array.from({ length: random(10) }, () => alphabet[random(alphabet.length)]).join("");
      for (const [name, encoding] of [
        ["unbase64", "base64"],
        ["unbase64url", "base64url"],
      ] as const) {
        const given = Buffer.from(text, encoding);
        expect(box.askText(name, text)).toBe(given.toString(encoding) === text ? given.toString("hex") : "none");
      }
    }
  });

  test.each(["0", "0g", "g0", "0x", " 00", "00 ", "é0"])("%j is not hexadecimal", (text) => {
    expect(box.askText("unhex", text)).toBe("none");
  });
});

test("values are the same when every byte is", () => {
  for (let round = 0; round < ROUNDS; round++) {
    const text = bytes(1 + random(40));
    const at = random(text.length);
    const other = text.slice(0, at) + String.fromCharCode(text.charCodeAt(at) ^ (1 << random(8))) + text.slice(at + 1);
    expect(box.ask("same", text, text)).toBe(1);
    expect(box.ask("same", text, other)).toBe(0);
    expect(box.ask("same", text, text.slice(1))).toBe(0);
  }
  expect(box.ask("same", "", "")).toBe(1);
});
