import { describe, expect, test } from "vitest";
import type { UnitSource } from "../../../host/experiment/options.ts";
import { readUnit } from "../../../host/experiment/unit.ts";

const header: UnitSource = { kind: "header", name: "x-user-id" };
const cookie: UnitSource = { kind: "cookie", name: "sid" };
const requestId: UnitSource = { kind: "requestId" };

describe("reading the unit", () => {
  test("the first source that is present wins", () => {
    const list = ["x-user-id", "u1", "cookie", "a=1; sid=s1; sid=s2"];
    expect(readUnit([header, cookie, requestId], list, "r1")).toBe("u1");
    expect(readUnit([cookie, header], list, "r1")).toBe("s1");
    expect(readUnit([requestId, header], list, "r1")).toBe("r1");
  });

  test("an absent or empty value is passed over, and without any source there is no unit", () => {
    expect(readUnit([header, cookie, requestId], ["x-user-id", "", "cookie", "sid="], "r1")).toBe("r1");
    expect(readUnit([header, cookie], ["cookie", "xsid=1; sid"], "r1")).toBeNull();
    expect(readUnit([], [], "r1")).toBeNull();
  });

  test("a cookie is found in any of several cookie headers, spaces and = in values included", () => {
    expect(readUnit([cookie], ["cookie", "a=b", "accept", "sid=no", "cookie", "z=1;sid = a=b== ;q=1"], "r")).toBe(
      "a=b==",
    );
  });

  test("is the client's address or connection where that is asked for, headers or not", () => {
    const peer = { sourceAddress: "10.0.0.7", connectionId: 42 };
    expect(readUnit([{ kind: "sourceIp" }], [], "r1", peer)).toBe("10.0.0.7");
    expect(readUnit([header, { kind: "connection" }], [], "r1", peer)).toBe("42");
    expect(readUnit([{ kind: "sourceIp" }, { kind: "connection" }], [], "r1")).toBeNull();
  });
});
