import { expect, test } from "vitest";
import { discreet, isSecretHeader, redactQuery } from "../../../host/base/secrets.ts";

test.each([
  "authorization",
  "Proxy-Authorization",
  "cookie",
  "set-cookie",
  "x-api-key",
  "x-auth-token",
  "x-client-secret",
  "headers",
])("the value of %s is a secret", (name) => {
  expect(isSecretHeader(name)).toBe(true);
  expect(discreet(name, "v")).toBe("[redacted]");
});

test.each(["x-user", "accept", ":path", "content-type"])("the value of %s is none", (name) =>
  expect(isSecretHeader(name)).toBe(false),
);

test("query parameters with secret names lose their values", () => {
  expect(redactQuery("/a?token=1&b=2&api_key=3#f")).toBe("/a?token=[redacted]&b=2&api_key=[redacted]#f");
  expect(redactQuery("/a?b=token")).toBe("/a?b=token");
  expect(redactQuery("token=1&b=2")).toBe("token=[redacted]&b=2");
  expect(redactQuery("/a/token=1")).toBe("/a/token=1");
  expect(discreet(":path", "/a?access_token=x")).toBe("/a?access_token=[redacted]");
});
