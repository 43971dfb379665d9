// Glob patterns for paths and names: `*` any run without `/`, `**` any run, `?` one character but `/`. Linear in the
// product of both lengths, no backtracking beyond the last star: safe for untrusted text.

/** Whether the whole of `text` matches `pattern`. */
export function globMatch(pattern: string, text: string): bool {
  let p = 0;
  let t = 0;
  let star = -1;
  let mark = 0;
  let deep = -1;
  let deepMark = 0;
  while (t < text.length) {
    const c = p < pattern.length ? pattern.charCodeAt(p) : 0;
    const isStar = c == 42;
    if (isStar && p + 1 < pattern.length && pattern.charCodeAt(p + 1) == 42) {
      deep = p += 2;
      deepMark = t;
      star = -1;
    } else if (isStar) {
      star = ++p;
      mark = t;
    } else if (p < pattern.length && (c == text.charCodeAt(t) || (c == 63 && text.charCodeAt(t) != 47))) {
      p++;
      t++;
    } else if (star >= 0 && text.charCodeAt(mark) != 47) {
      p = star;
      t = ++mark;
    } else if (deep >= 0) {
      p = deep;
      t = ++deepMark;
      star = -1;
    } else return false;
  }
  while (p < pattern.length && pattern.charCodeAt(p) == 42) p++;
  return p == pattern.length;
}
