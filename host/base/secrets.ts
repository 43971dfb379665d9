// What must not be shown: which names belong to secrets, and values without the secrets they carry. Called by whatever shows
// configuration, requests or host calls to people.

const SECRET = /token|secret|passw|passphrase|credential|private.?key|api.?key|^authorization$|^jwk/i;
/** Headers that carry a secret without saying so; the others are told by {@link isSecretKey}. */
const SECRET_HEADERS: ReadonlySet<string> = new Set([
  "authorization",
  "proxy-authorization",
  "cookie",
  "set-cookie",
  // Properties that hold all of them: request.headers.
  "headers",
  "trailers",
]);
/** What stands in place of a secret. */
export const REDACTED = "[redacted]";

/** Whether values under `key` are kept to ourselves. */
export function isSecretKey(key: string): boolean {
  return SECRET.test(key);
}

/** The same for a header, or for the last part of a property's path. */
export function isSecretHeader(name: string): boolean {
  const plain = name.toLowerCase();
  return SECRET_HEADERS.has(plain) || isSecretKey(plain);
}

/** A path, URL or query without the values of secret query parameters. */
export function redactQuery(text: string): string {
  return text.replace(/(^|[?&;])([^=&#;\s?/]+)=([^&#;\s]*)/g, (whole, before: string, key: string) =>
    isSecretKey(key) ? `${before}${key}=${REDACTED}` : whole,
  );
}

/** What may be shown of the value that `name` has. */
export function discreet(name: string, value: string): string {
  return isSecretHeader(name) ? REDACTED : redactQuery(value);
}
