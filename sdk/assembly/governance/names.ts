// Header names that a configuration may give a filter to write.

/** Written by the codec or the router alone: hosts refuse them or drop the write without a word. */
const FRAMING = ",host,connection,keep-alive,proxy-connection,transfer-encoding,upgrade,te,trailer,content-length,";
/** Non-alphanumeric characters of a token (RFC 9110 5.6.2). */
const MARKS = "!#$%&'*+-.^_`|~";

function isTokenUnit(unit: i32): bool {
  const letter = unit | 32;
  if ((letter >= 97 && letter <= 122) || (unit >= 48 && unit <= 57)) return true;
  return MARKS.includes(String.fromCharCode(unit));
}

/** `name` with ASCII letters in lower case; `toLowerCase()` would bring 10 KB of Unicode tables into the binary. */
export function lowerCased(name: string): string {
  let lower = "";
  for (let i = 0; i < name.length; i++) {
    const unit = name.charCodeAt(i);
    lower += String.fromCharCode(unit >= 65 && unit <= 90 ? unit | 32 : unit);
  }
  return lower;
}

/** Why `name` cannot be a header that a filter writes; null when it can. */
export function headerNameProblem(name: string): string | null {
  if (name == "") return "a header name must not be empty";
  if (name.charCodeAt(0) == 58) return '"' + name + '" is a pseudo header and belongs to the router';
  for (let i = 0; i < name.length; i++) {
    if (!isTokenUnit(name.charCodeAt(i))) return '"' + name + '" is no header name: letters, digits and -._~ only';
  }
  if (FRAMING.includes("," + lowerCased(name) + ",")) return '"' + name + '" is written by the proxy itself';
  return null;
}
