// What a guest hands over for a gRPC call: the upstream (a GrpcService of Envoy), metadata, the method.
import { describe, expect, test } from "vitest";
import { checkedMetadata, grpcPath } from "../../../host/abi/grpc-metadata.ts";
import { clusterOfGrpcService } from "../../../host/abi/grpc-service.ts";

const bytes = (hex: string): Buffer => Buffer.from(hex.replaceAll(" ", ""), "hex");

describe("GrpcService", () => {
  test.each([
    ["envoy_grpc { cluster_name: auth }", "0a 06 0a 04 61757468", "auth"],
    // timeout (field 3) before, initial_metadata (field 5) behind; authority (field 2) inside.
    ["with other fields", "1a 02 08 05  0a 0b 12 03 782e79 0a 04 61757468  2a 00", "auth"],
    ["with fixed and varint fields", "39 0102030405060708 3d 01020304 38 ff01 0a 03 0a 01 62", "b"],
    ["the last of two", "0a 03 0a 01 61 0a 03 0a 01 62", "b"],
  ])("%s", (_, hex, name) => expect(clusterOfGrpcService(bytes(hex))).toBe(name));

  test.each([
    ["nothing", ""],
    ["google_grpc only", "12 03 0a 01 61"],
    ["an empty name", "0a 02 0a 00"],
    ["a length beyond the end", "0a 7f 0a 01 61"],
    ["a name beyond its message", "0a 03 0a 05 61"],
    ["a varint without end", "ffffffffffffffffffffffff"],
    ["a length of 2^60", "0a ffffffffffffffff0f"],
    ["a group", "0b 0c"],
    ["cut off after the tag", "0a"],
    ["cut off in a fixed field", "39 0102"],
  ])("%s is none", (_, hex) => expect(clusterOfGrpcService(bytes(hex))).toBeNull());

  test("no bytes throw", () => {
    for (let seed = 0; seed < 5000; seed++) {
      const noise = Buffer.from(
        Array.from({ length: seed % 17 }, (_, at) => (seed * 31 + at * at * 7 + (seed >> 3)) & 255),
      );
      expect(() => clusterOfGrpcService(noise)).not.toThrow();
    }
  });
});

describe("metadata", () => {
  test("names are lower-cased, the protocol's own are dropped, values trimmed", () => {
    const own = [
      "TE",
      "x",
      "Content-Type",
      "a/b",
      "grpc-timeout",
      "1S",
      "grpc-encoding",
      "gzip",
      "Connection",
      "close",
    ];
    expect(checkedMetadata(["X-A", " 1 ", ...own, "x-bin", "AP8="])).toEqual(["x-a", "1", "x-bin", "AP8="]);
  });

  test.each([
    [":path", "/x"],
    ["", "x"],
    ["a b", "x"],
    ["x", "a\r\nb: c"],
    ["x", "a\0"],
    ["x", "\u0001"],
    ["x", "\u007f"],
  ])("%j: %j is refused", (name, value) => expect(checkedMetadata(["x-ok", "1", name, value])).toBeNull());

  test("more than 256 pairs or 64 KiB are refused", () => {
    const pairs = (count: number, size: number): string[] =>
      Array.from({ length: count }, () => ["x", "y".repeat(size)]).flat();
    expect(checkedMetadata(pairs(256, 1))).toHaveLength(512);
    expect(checkedMetadata(pairs(257, 1))).toBeNull();
    expect(checkedMetadata(pairs(2, 40_000))).toBeNull();
  });

  test("a method makes a path, or none", () => {
    expect(grpcPath("a.b.C", "D")).toBe("/a.b.C/D");
    for (const [service, method] of [
      ["", "D"],
      ["a", ""],
      ["a", "b/c"],
      ["a b", "c"],
      ["a", "b\r\n"],
      ["ä", "b"],
    ] as const)
      expect(grpcPath(service, method)).toBeNull();
  });
});
