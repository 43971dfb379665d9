// `upgrades:` of listeners and routes -> names of protocols, and the two that are refused.
import type { Reader } from "./reader.ts";

const REFUSED: Readonly<Record<string, string>> = {
  h2c: "HTTP/2 without TLS begins with its preface (RFC 9113 3.3); it needs no upgrade",
  connect: "CONNECT is a method, not an upgrade",
};

/** Absent = nothing is said. */
export function readUpgrades(reader: Reader): { readonly upgrades?: readonly string[] } {
  if (!reader.isPresent) return {};
  for (const item of reader.items) {
    const hint = REFUSED[item.text().toLowerCase()];
    if (hint !== undefined) item.problem("bad_upgrade", `"${item.text()}" is no upgrade of HTTP/1.1 here`, { hint });
  }
  return { upgrades: reader.strings().map((name) => name.toLowerCase()) };
}
