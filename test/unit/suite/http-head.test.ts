import { expect, test } from "vitest";
import { parseHead } from "../../../host/suite/http-head.ts";

test("a path gives what it says and no scheme", () => {
  expect(parseHead("GET /my/path?a=b HTTP/1.1\nHost: x.test\nMyHeader:  1 \nMyHeader: 2\n", "request")).toEqual([
    ":method",
    "GET",
    ":authority",
    "x.test",
    ":path",
    "/my/path?a=b",
    "myheader",
    "1",
    "myheader",
    "2",
  ]);
  expect(parseHead("GET / HTTP/1.0\r\n\r\n", "request")).toEqual([":method", "GET", ":path", "/"]);
});

test("a URL outranks the Host header", () => {
  expect(parseHead("POST https://x.test:8443/p?q HTTP/1.1\r\nHost: other\r\nA: b\r\n", "request")).toEqual([
    ":method",
    "POST",
    ":scheme",
    "https",
    ":authority",
    "x.test:8443",
    ":path",
    "/p?q",
    "a",
    "b",
  ]);
});

test("a response", () => {
  expect(parseHead("HTTP/1.1 403 Forbidden\nA: b\n", "response")).toEqual([":status", "403", "a", "b"]);
  expect(parseHead("HTTP/1.1 200", "response")).toEqual([":status", "200"]);
});

test.each([
  ["", "request", "not a request line"],
  ["GET / FTP", "request", "not a request line"],
  ["GET nowhere HTTP/1.1", "request", "neither a path nor an http(s) URL: nowhere"],
  ["GET / HTTP/1.1\nno colon", "request", "not a header line"],
  ["GET / HTTP/1.1", "response", "not a status line"],
] as const)("%j as a %s is refused", (text, side, message) => {
  expect(() => parseHead(text, side)).toThrow(message);
});
