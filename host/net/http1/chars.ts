// Character classes of RFC 9110 5.6.2 and 5.5, as tables indexed by latin1 code.

const TOKEN = /[!#$%&'*+\-.^_`|~0-9A-Za-z]/;

/** Lower-case code of a token character, 0 of every other. One look-up checks and folds. */
export const LOWER_TOKEN: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) => {
  const text = String.fromCharCode(code);
  return TOKEN.test(text) ? text.toLowerCase().charCodeAt(0) : 0;
});

/** 1 for what a field value may hold: HTAB, SP, visible characters, bytes from 0x80. Not CR, LF, NUL, DEL. */
export const FIELD_VALUE: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) =>
  code === 9 || (code >= 32 && code !== 127) ? 1 : 0,
);

/** RFC 9110 5.6.2. */
export function isToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (!LOWER_TOKEN[text.charCodeAt(at)]) return false;
  return text.length > 0;
}

/** A lower-case header name. */
export function isLowerToken(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (LOWER_TOKEN[code] !== code) return false;
  }
  return text.length > 0;
}

/** RFC 9110 5.5: what may stand behind the colon without ending the line. Code units above 0xFF are refused too. */
export function isFieldValue(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (FIELD_VALUE[text.charCodeAt(at)] !== 1) return false;
  return true;
}

/** Visible ASCII only: what may stand in a request line. */
export function isVisible(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x21 || code > 0x7e) return false;
  }
  return text.length > 0;
}

/** 1 for what a registered name or an IPv4 address is made of (RFC 3986 3.2.2). */
const NAME: Uint8Array = Uint8Array.from({ length: 256 }, (_, code) =>
  /[A-Za-z0-9\-._~%!$&'()*+,;=]/.test(String.fromCharCode(code)) ? 1 : 0,
);

/** Whether `text` ends with a colon at `at` and up to five digits. */
function isPort(text: string, at: number): boolean {
  if (text.charCodeAt(at) !== 58 || text.length - at > 6) return false;
  for (let next = at + 1; next < text.length; next++) {
    const code = text.charCodeAt(next);
    if (code < 48 || code > 57) return false;
  }
  return true;
}

/** host[:port] of RFC 3986 3.2 without userinfo: a registered name, an IPv4 address or a bracketed IP literal. */
export function isAuthority(text: string): boolean {
  // What nearly every request has; the expression is for brackets, and for saying no.
  let at = 0;
  while (at < text.length && NAME[text.charCodeAt(at)] === 1) at++;
  if (at > 0 && (at === text.length || isPort(text, at))) return true;
  return /^(?:[A-Za-z0-9\-._~%!$&'()*+,;=]+|\[[0-9A-Fa-f:.]+(?:%25[A-Za-z0-9\-._~]+)?\])(?::[0-9]{0,5})?$/.test(text);
}
