// What a client may name as the end of its tunnel.
import { expect, test } from "vitest";
import { allowsAuthority, authorityEndpoint } from "../../../host/upstream/authorities.ts";

test.each([
  ["a.test:443", ["a.test:443"], true],
  ["A.test:443", ["a.test:443"], true],
  ["a.test:444", ["a.test:443"], false],
  ["b.a.test:443", ["*.a.test:443"], true],
  ["c.b.a.test:443", ["*.a.test:443"], true],
  ["a.test:443", ["*.a.test:443"], false],
  [".a.test:443", ["*.a.test:443"], false],
  ["evila.test:443", ["*.a.test:443"], false],
  ["b.a.test.:443", ["*.a.test:443"], false],
  ["anything:443", ["*:443"], true],
  ["anything:4430", ["*:443"], false],
  ["[::1]:22", ["[::1]:22"], true],
  ["[::1]:22", ["*:22"], true],
  ["a:1", [], false],
])("%s under %j: %s", (authority, allowed, expected) => {
  expect(allowsAuthority(allowed, authority)).toBe(expected);
});

test("an authority is a host and a port of 1 to 65535", () => {
  expect(authorityEndpoint("[::1]:22")).toMatchObject({ host: "::1", port: 22 });
  expect(authorityEndpoint("a.test:65535")).toMatchObject({ host: "a.test", port: 65_535 });
  for (const bad of ["a", "a:", ":1", "a:0", "a:65536", "a:1:2", "u@a:1", "[::1:1", "a b:1", "a:1/", "a:-1", "a:1e3"]) {
    expect(authorityEndpoint(bad)).toBeNull();
  }
});
