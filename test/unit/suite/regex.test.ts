// RE2's expressions in JavaScript: what means the same, what is translated, what is refused.
import { expect, test } from "vitest";
import { toRegExp } from "../../../host/suite/regex.ts";

test.each([
  // The whole text has to match, whatever the alternatives.
  ["a|b", "b", true],
  ["a|b", "ab", false],
  ["", "", true],
  // The dot stops at line ends until told otherwise, and only at them.
  [".*x", "a\nx", false],
  [".*x", "a\rx", true],
  ["(?s).*x", "a\nx", true],
  ["(?s:.)a.", "\nab", true],
  ["(?s:.)a.", "\na\n", false],
  ["[\\s\\S]*", "a\nb", true],
  // Flags reach to the end of their group, over its alternatives.
  ["(?i)abc|d", "D", true],
  ["x(?i)a|b", "B", true],
  ["x(?i)a|b", "XA", false],
  ["(?:(?i)a)b", "AB", false],
  ["(?i:a)b", "Ab", true],
  ["(?is).B", "\nb", true],
  ["(?m)^a$\\n^b$", "a\nb", true],
  ["a$", "a\n", false],
  // Classes.
  ["[[:xdigit:]]+", "09afAF", true],
  ["[[:xdigit:]]+", "g", false],
  ["[^[:digit:]x]+", "abc", true],
  ["[^[:digit:]x]+", "ax", false],
  ["[[:^alpha:]_]", "7", true],
  ["[]a]+", "]a", true],
  ["[a-]+", "-a", true],
  ["[&&(){}/|]+", "&&/|(", true],
  ["[\\d.]+", "1.5", true],
  // \s and \w are ASCII.
  ["\\s", "\u00a0", false],
  ["\\w+", "é", false],
  // Escapes and literals.
  ["\\Qa.b[\\E.", "a.b[c", true],
  ["\\Aa\\z", "a", true],
  ["\\x41\\x{1F600}\\101", "A😀A", true],
  ["\\pL\\p{Greek}\\PN", "xαx", true],
  ["(?P<year>\\d{4})-(?<m>\\d\\d?)", "2030-1", true],
  ["{a}\\-\\_", "{a}-_", true],
  ["a{2,3}", "aaa", true],
  ["https://x\\.y/\\?z=\\d+", "https://x.y/?z=12", true],
  [".", "😀", true],
])("/%s/ on %j", (pattern, text, expected) => {
  expect(toRegExp(pattern).test(text)).toBe(expected);
});

test.each([
  ["(?=a)", "RE2 has no look-around: (?=...)"],
  ["(?<!a)", "RE2 has no look-around: (?<!...)"],
  ["(a)\\1", "RE2 has no back-references: \\1"],
  ["(?U)a+", 'the flag "U" is not supported: (?U)'],
  ["\\Ca", "\\C (a single byte) is not supported"],
  ["(a", "a group is not closed"],
  ["a)", 'unexpected ")"'],
  ["[a", "a [ is not closed"],
  ["[[:nope:]]", "unknown class [:nope:]"],
  ["\\y", 'unknown escape "\\y"'],
])("/%s/ is refused by name", (pattern, message) => {
  expect(() => toRegExp(pattern)).toThrow(message);
});

test.each(["*a", "a**", "a{2}{3}", "[z-a]"])("/%s/ is refused", (pattern) => {
  expect(() => toRegExp(pattern)).toThrow(SyntaxError);
});
