import { describe, expect, test } from "vitest";
import {
  checkHeaderWrite,
  hasRoomFor,
  mayRemove,
  normalizeCallout,
  normalizeGuestMap,
} from "../../../host/abi/header-rules.ts";
import { addHeader, firstHeader, joinedHeader, removeHeader, replaceHeader } from "../../../host/abi/headers.ts";

const REQUEST = 0;
const RESPONSE = 2;

describe("what a guest may write", () => {
  test.each([
    ["x-a", "v", "ok"],
    ["x-a", "", "ok"],
    ["", "v", "refused"],
    ["x a", "v", "refused"],
    ["X-A", "v", "refused"],
    ["x-a", "a\r\nb: c", "refused"],
    ["x-a", "a\nb", "refused"],
    ["x-a", "a\0b", "refused"],
    ["x-a", "a\x01b", "refused"],
    ["x-a", "a\x7f", "refused"],
    ["x-a", "a\tb", "ok"],
    ["x-a", "\xe9\xff", "ok"],
    [":path", "/a\x01", "refused"],
    [":path", "/\xe9", "refused"],
    [":path", "/a#b", "ok"],
    [":path", "*", "ok"],
    [":method", "CONNECT", "refused"],
    [":method", "CONNECTED", "ok"],
    [":authority", "a\x01", "refused"],
    [":authority", "[::1]:80", "ok"],
    [":scheme", "https", "ok"],
    [":scheme", "ftp", "refused"],
    [":status", "200", "refused"],
    [":path", "/x", "ok"],
    [":path", "/x y", "refused"],
    [":path", "x", "refused"],
    [":path", "?a=b", "ok"],
    [":path", "?a b", "refused"],
    [":method", "GE T", "refused"],
    [":authority", "a/b", "refused"],
    [":unknown", "x", "refused"],
    ["connection", "close", "ignored"],
    ["transfer-encoding", "chunked", "ignored"],
    ["upgrade", "h2c", "ignored"],
    ["te", "gzip", "ignored"],
    ["te", "trailers", "ok"],
    ["host", "evil", "ignored"],
  ])("request header %j: %j is %s", (name, value, verdict) => {
    expect(checkHeaderWrite(REQUEST, name, value)).toBe(verdict);
  });

  test("a response takes :status and no other pseudo header", () => {
    expect(checkHeaderWrite(RESPONSE, ":status", "418")).toBe("ok");
    expect(checkHeaderWrite(RESPONSE, ":status", "99")).toBe("refused");
    expect(checkHeaderWrite(RESPONSE, ":path", "/")).toBe("refused");
  });

  test("mandatory pseudo headers cannot be removed", () => {
    expect(mayRemove(REQUEST, ":path")).toBe(false);
    expect(mayRemove(REQUEST, "x-a")).toBe(true);
  });

  test("a whole map is lower-cased, ordered and complete, or refused", () => {
    const pseudo = [":path", "/", ":method", "GET", ":authority", "a", ":scheme", "http"];
    expect(normalizeGuestMap(REQUEST, ["X-A", "1", ...pseudo, "connection", "x"])).toEqual([...pseudo, "x-a", "1"]);
    expect(normalizeGuestMap(REQUEST, ["x-a", "1"])).toBeNull();
    expect(normalizeGuestMap(REQUEST, [...pseudo, ":path", "/2"])).toBeNull();
    expect(normalizeGuestMap(REQUEST, [...pseudo, "x", "a\nb"])).toBeNull();
  });

  test("a call-out's head is lower-cased and complete but for :scheme, or refused", () => {
    const pseudo = [":method", "GET", ":path", "/", ":authority", "a"];
    expect(normalizeCallout([...pseudo, "Content-Type", "x", "Connection", "y"])).toEqual([
      ...pseudo,
      "content-type",
      "x",
    ]);
    expect(normalizeCallout(pseudo.slice(2))).toBeNull();
    expect(normalizeCallout([...pseudo, ":path", "/2"])).toBeNull();
    expect(normalizeCallout([...pseudo, "x", "a\r\nb"])).toBeNull();
  });

  test("a map has room for 256 headers and 64 KiB", () => {
    const full = Array.from({ length: 256 }, () => ["a", "b"]).flat();
    expect(hasRoomFor(full, "x", "y")).toBe(false);
    expect(hasRoomFor(full.slice(2), "x", "y")).toBe(true);
    expect(hasRoomFor([], "x", "y".repeat(64 * 1024))).toBe(false);
  });
});

describe("header lists", () => {
  test("repeated headers are joined; set-cookie, which cannot be, gives the first", () => {
    const list = ["a", "1", "cookie", "x=1", "a", "2", "set-cookie", "p", "cookie", "y=2", "set-cookie", "q"];
    expect(joinedHeader(list, "a")).toBe("1, 2");
    expect(joinedHeader(list, "cookie")).toBe("x=1; y=2");
    expect(joinedHeader(list, "set-cookie")).toBe("p");
    expect(joinedHeader(list, "none")).toBeUndefined();
    expect(firstHeader(list, "a")).toBe("1");
  });

  test("replacing keeps the first place and drops the rest", () => {
    const list = ["x", "0", "a", "1", "b", "2", "a", "3"];
    replaceHeader(list, "a", "9");
    expect(list).toEqual(["x", "0", "a", "9", "b", "2"]);
    replaceHeader(list, "new", "1");
    addHeader(list, "new", "2");
    expect(list.slice(-4)).toEqual(["new", "1", "new", "2"]);
  });

  test("removing takes every occurrence; an absent one is fine", () => {
    const list = ["a", "1", "b", "2", "a", "3"];
    removeHeader(list, "a");
    removeHeader(list, "zzz");
    expect(list).toEqual(["b", "2"]);
  });
});
