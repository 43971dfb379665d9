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
