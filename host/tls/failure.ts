// Why a handshake failed: a word from a closed set for metrics, a short text for people. What the peer sends may be in the
// error's message, so the text is cut and cleaned.

/** Our words for OpenSSL's and Node's codes; everything else is "other". */
const WORDS: Readonly<Record<string, string>> = {
  ERR_SSL_HTTP_REQUEST: "plain_http",
  ERR_SSL_HTTPS_PROXY_REQUEST: "plain_http",
  ERR_SSL_WRONG_VERSION_NUMBER: "not_tls",
  ERR_SSL_PACKET_LENGTH_TOO_LONG: "not_tls",
  ERR_SSL_UNEXPECTED_MESSAGE: "not_tls",
  ERR_SSL_RECORD_LAYER_FAILURE: "not_tls",
  ERR_SSL_BAD_RECORD_TYPE: "not_tls",
  ERR_SSL_UNSUPPORTED_PROTOCOL: "unsupported_version",
  ERR_SSL_VERSION_TOO_LOW: "unsupported_version",
  ERR_SSL_NO_SHARED_CIPHER: "no_shared_cipher",
  ERR_SSL_NO_SHARED_SIGNATURE_ALGORITHMS: "no_shared_cipher",
  ERR_SSL_NO_SUITABLE_SIGNATURE_ALGORITHM: "no_shared_cipher",
  ERR_SSL_NO_APPLICATION_PROTOCOL: "no_application_protocol",
  ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE: "client_certificate_missing",
  ECONNRESET: "disconnected",
  EPIPE: "disconnected",
};

/** The peer did not like what we said (RFC 8446 6). */
const ALERT = /^ERR_SSL_.*ALERT/;

export const codeOf = (error: unknown): string => {
  const code: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "code") : undefined;
  return typeof code === "string" ? code : "";
};

export function failureWord(error: unknown): string {
  const code = codeOf(error);
  return WORDS[code] ?? (ALERT.test(code) ? "peer_alert" : "other");
}

const MAX_TEXT = 200;

/** `CERT_HAS_EXPIRED: certificate has expired`. */
export function failureText(error: unknown): string {
  const code = codeOf(error);
  const found: unknown = typeof error === "object" && error !== null ? Reflect.get(error, "reason") : undefined;
  const message = typeof found === "string" ? found : error instanceof Error ? error.message : "";
  const clean = message.replaceAll(/\p{Cc}+/gu, " ").trim();
  const text = code === "" ? clean : clean === "" || clean === code ? code : `${code}: ${clean}`;
  return text.slice(0, MAX_TEXT);
}
