import { describe, expect, test } from "vitest";
import { redactConfig, redactJsonText, redactText } from "../../../host/config/redact.ts";
import { MINIMAL, parse } from "./support.ts";

describe("redaction", () => {
  test("takes every secret out of a parsed config and keeps the rest", async () => {
    const { config } = await parse(`admin: { token: s3cret }
${MINIMAL}filters:
  - name: f
    environment: { API_KEY: s3cret, MODE: fast }
    vmConfig: "s3cret text"
    pluginConfig: { hmac: { secret: s3cret, size: 3 }, keys: [{ apiKey: s3cret }], issuer: me }
`);
    const shown = JSON.stringify(redactConfig(config));
    expect(shown).not.toContain("s3cret");
    expect(redactConfig(config)["filters"]).toMatchObject([
      {
        environment: { API_KEY: "[redacted]", MODE: "fast" },
        pluginConfig: '{"hmac":{"secret":"[redacted]","size":3},"keys":[{"apiKey":"[redacted]"}],"issuer":"me"}',
      },
    ]);
  });

  test("shows that a secret is not set", () => {
    expect(redactJsonText('{"token":"","secret":null}')).toBe('{"token":"","secret":null}');
  });

  test("hides text in which secrets cannot be told apart", () => {
    expect(redactJsonText("key=abc")).toBe("[redacted]");
    expect(redactJsonText("")).toBe("");
  });

  test("keeps layout, comments and references of the config text", () => {
    const text = `# mine
admin: { token: abc, address: 127.0.0.1:1 } # here
filters:
  - pluginConfig:
      password: |
        two
        lines
      secret: \${SECRET}
      tokens: [a, b]
      size: 3
`;
    const shown = redactText(text);
    expect(shown).not.toMatch(/abc|two|lines|\[a, b\]/);
    expect(shown).toContain('admin: { token: "[redacted]", address: 127.0.0.1:1 } # here');
    expect(shown).toContain("secret: ${SECRET}");
    expect(shown).toContain("size: 3");
  });
});
