import { describe, expect, test } from "vitest";
import { bytesField, intField, lengthField, readMessage } from "../../../host/abi/protobuf.ts";
import { seededRandom } from "../../../host/base/random.ts";

const SHAPE = { name: [1, "string"], secret: [2, "bytes"], on: [3, "bool"], kind: [16, "int"] } as const;
const hex = (text: string): Buffer => Buffer.from(text.replaceAll(" ", ""), "hex");

describe("readMessage", () => {
  test("absent fields are at their defaults", () => {
    expect(readMessage(Buffer.alloc(0), SHAPE)).toEqual({ name: "", secret: Buffer.alloc(0), on: false, kind: 0 });
  });

  // Bytes as `protoc --encode` writes them.
  test("strings, bytes, booleans and enums are read", () => {
    const bytes = hex("0a 02 68 69 12 03 00 ff 01 18 01 80 01 02");
    expect(readMessage(bytes, SHAPE)).toEqual({ name: "hi", secret: hex("00ff01"), on: true, kind: 2 });
  });

  test("the last value of a field counts, and negative enums are ten bytes long", () => {
    const bytes = hex("0a 01 61 0a 01 62 80 01 ff ff ff ff ff ff ff ff ff 01");
    expect(readMessage(bytes, SHAPE)).toMatchObject({ name: "b", kind: -1 });
  });

  test("unknown fields and fields of another wire type are skipped", () => {
    const bytes = hex("08 05 4a 01 78 51 0102030405060708 5d 01020304 1a 01 31 0a 01 61");
    expect(readMessage(bytes, SHAPE)).toMatchObject({ name: "a", on: false });
  });

  test.each([
    ["a string cut short", "0a 05 61"],
    ["a length without end", "0a ff ff ff ff ff ff ff ff ff ff 01"],
    ["a number cut short", "18 80"],
    ["field number 0", "02 01 61"],
    ["a group", "0b 0c"],
    ["a wire type that does not exist", "0f"],
    ["text that is not UTF-8", "0a 01 ff"],
    ["a fixed64 cut short", "51 01 02"],
  ])("%s makes the message unreadable", (_what, bytes) => {
    expect(readMessage(hex(bytes), SHAPE)).toBeNull();
  });

  test("random bytes never throw", () => {
    const random = seededRandom(5);
    for (let round = 0; round < 5000; round++) {
      const bytes = Buffer.alloc(Math.floor(random.fraction() * 40));
      random.fill(bytes);
      expect(() => readMessage(bytes, SHAPE)).not.toThrow();
    }
  });
});

describe("fields", () => {
  test("are written as read, defaults left out", () => {
    const bytes = Buffer.concat([bytesField(1, "hi"), bytesField(2, hex("00ff01")), intField(3, 1), intField(16, 300)]);
    expect(bytes.toString("hex")).toBe("0a026869120300ff0118018001ac02");
    expect(Buffer.concat([bytesField(1, ""), intField(3, 0)])).toHaveLength(0);
    expect(lengthField(1, Buffer.alloc(0)).toString("hex")).toBe("0a00");
  });
});
