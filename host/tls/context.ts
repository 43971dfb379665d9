// Makes OpenSSL's contexts from options: once per certificate and snapshot, never per connection. Called by data threads
// while they prepare and by the config reader, which learns so whether OpenSSL accepts what the file says.
import { constants } from "node:crypto";
import type { SecureContext, SecureContextOptions } from "node:tls";
import { nodeTls } from "./node-tls.ts";
import type { TlsParameters } from "./options.ts";

/** The suites of TLS 1.3. */
const SUITES_13 = ["TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384", "TLS_CHACHA20_POLY1305_SHA256"] as const;

/** AEAD with forward secrecy only: no CBC (Lucky 13), no static RSA (reliability.md 5). */
const SUITES_12 = [
  "ECDHE-ECDSA-AES128-GCM-SHA256",
  "ECDHE-RSA-AES128-GCM-SHA256",
  "ECDHE-ECDSA-AES256-GCM-SHA384",
  "ECDHE-RSA-AES256-GCM-SHA384",
  "ECDHE-ECDSA-CHACHA20-POLY1305",
  "ECDHE-RSA-CHACHA20-POLY1305",
] as const;

export const DEFAULT_CIPHERS: string = [...SUITES_13, ...SUITES_12].join(":");

/** The list of the config as OpenSSL wants it. A list that names no suite of TLS 1.3 is about 1.2 only, as in Envoy. */
export function cipherString(names: readonly string[]): string {
  if (names.length === 0) return DEFAULT_CIPHERS;
  const has13 = names.some((name) => name.startsWith("TLS_"));
  return [...(has13 ? [] : SUITES_13), ...names].join(":");
}

/** What every context and every server of ours has in common. */
export function contextOptions({ minVersion, maxVersion, ciphers }: TlsParameters): SecureContextOptions {
  const secureOptions = constants.SSL_OP_NO_RENEGOTIATION;
  return { minVersion, maxVersion, ciphers, honorCipherOrder: true, secureOptions };
}

/** @throws what OpenSSL says of a key, a certificate or a cipher list it does not accept */
export function createContext(parameters: TlsParameters, own: SecureContextOptions): SecureContext {
  return nodeTls().createSecureContext({ ...own, ...contextOptions(parameters) });
}
