// host[:port] as both the codec and the host-call checks know it, so that what a filter may write is what the wire takes.

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
