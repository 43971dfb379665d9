// The pure parts of the gRPC transport: framing, statuses, deadlines, heads.
import { describe, expect, test } from "vitest";
import { frameMessage, MessageReader } from "../../../host/net/grpc/framing.ts";
import { metadataOf, requestHead } from "../../../host/net/grpc/metadata.ts";
import { percentDecoded, statusOfHttp, statusOfReset, statusOfTrailers } from "../../../host/net/grpc/status.ts";
import { grpcTimeout } from "../../../host/net/grpc/timeout.ts";

const all = (reader: MessageReader): unknown[] => {
  const found: unknown[] = [];
  for (let next = reader.next(); next !== null; next = reader.next()) {
    found.push(typeof next === "string" ? next : String(next));
    if (typeof next === "string") break;
  }
  return found;
};

describe("framing", () => {
  const wire = Buffer.concat(["one", "", "three"].map((text) => frameMessage(Buffer.from(text))));

  test("a frame is a zero, the length, the message", () => {
    expect(frameMessage(Buffer.from("abc")).toString("hex")).toBe("0000000003616263");
  });

  test.each(Array.from({ length: wire.length }, (_, size) => [size + 1]))("pieces of %i bytes", (size) => {
    const reader = new MessageReader(100);
    const found: unknown[] = [];
    for (let at = 0; at < wire.length; at += size) {
      reader.feed(wire.subarray(at, at + size));
      found.push(...all(reader));
    }
    expect(found).toEqual(["one", "", "three"]);
    expect(reader.isInside).toBe(false);
  });

  test("what is missing shows", () => {
    for (const size of [1, 4, 5, 7]) {
      const reader = new MessageReader(100);
      reader.feed(wire.subarray(0, size));
      expect([all(reader), reader.isInside]).toEqual([[], true]);
    }
  });

  test("a compressed message and one that is too large are faults, before they have come", () => {
    const compressed = new MessageReader(100);
    compressed.feed(Buffer.from("0100000001", "hex"));
    expect(all(compressed)).toEqual(["compressed"]);
    const large = new MessageReader(100);
    large.feed(Buffer.from("0000000065", "hex"));
    expect(all(large)).toEqual(["too_large"]);
    const fits = new MessageReader(100);
    fits.feed(frameMessage(Buffer.alloc(100, "x")));
    expect(all(fits)).toEqual(["x".repeat(100)]);
  });

  test("a million single bytes are one message, and not a million objects", () => {
    const reader = new MessageReader(1_000_000);
    reader.feed(frameMessage(Buffer.alloc(1_000_000, 7)).subarray(0, 5));
    const byte = Buffer.from([7]);
    for (let at = 0; at < 1_000_000; at++) reader.feed(byte);
    expect((reader.next() as Buffer).equals(Buffer.alloc(1_000_000, 7))).toBe(true);
  });
});

describe("statuses", () => {
  test.each([
    [400, 13],
    [401, 16],
    [403, 7],
    [404, 12],
    [429, 14],
    [502, 14],
    [503, 14],
    [504, 14],
    [200, 2],
    [302, 2],
    [500, 2],
  ])("HTTP %i is %i", (http, code) => expect(statusOfHttp(http).code).toBe(code));

  test.each([
    [0, 13],
    [1, 13],
    [2, 13],
    [3, 13],
    [4, 13],
    [5, 2],
    [6, 13],
    [7, 14],
    [8, 1],
    [9, 13],
    [10, 13],
    [11, 8],
    [12, 7],
    [13, 2],
    [4_000_000_000, 13],
  ])("RST_STREAM code %i is %i", (code, status) => expect(statusOfReset(code).code).toBe(status));

  test("grpc-status: 0 to 16, anything else is UNKNOWN", () => {
    expect(Array.from({ length: 17 }, (_, at) => statusOfTrailers(String(at), "").code)).toEqual(
      Array.from({ length: 17 }, (_, at) => at),
    );
    for (const text of [undefined, "", "17", "-1", "0x1", "1.0", " 1", "100"])
      expect(statusOfTrailers(text, "").code).toBe(2);
  });

  test("grpc-message is percent-decoded to bytes, and broken escapes stay", () => {
    expect(percentDecoded("a%20b%C3%a9%")).toBe("a b\u00c3\u00a9%");
    expect(percentDecoded("%%41%zz%4")).toBe("%A%zz%4");
    expect(statusOfTrailers("1", undefined)).toEqual({ code: 1, message: "" });
  });
});

test.each([
  [1, "1m"],
  [0.2, "1m"],
  [15_000, "15000m"],
  [99_999_999, "99999999m"],
  [100_000_001, "100001S"],
  [4_294_967_295, "4294968S"],
])("a deadline of %d ms is %s", (ms, text) => expect(grpcTimeout(ms)).toBe(text));

test("a head has the pseudo headers first and the deadline only when there is one", () => {
  const request = { cluster: "auth", path: "/a.B/C", metadata: ["x-a", "1", "x-a", "2"], timeoutMs: 0 };
  const head = [":method", "POST", ":scheme", "http", ":path", "/a.B/C", ":authority", "auth"];
  const fixed = ["te", "trailers", "content-type", "application/grpc"];
  expect(requestHead(request)).toEqual([...head, ...fixed, "x-a", "1", "x-a", "2"]);
  expect(requestHead({ ...request, timeoutMs: 20 }).slice(12)).toEqual(["grpc-timeout", "20m", "x-a", "1", "x-a", "2"]);
  expect(metadataOf([":status", "200", "x-b", "1", "x-a", "2", "x-b", "3"])).toEqual([
    "x-b",
    "1",
    "x-a",
    "2",
    "x-b",
    "3",
  ]);
});
