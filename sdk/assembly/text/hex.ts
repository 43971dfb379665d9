// Hexadecimal digits.

/** Value of one digit in either case, -1 for anything else. */
export function hexDigit(c: u8): i32 {
  if (c >= 48 && c <= 57) return c - 48;
  const letter = c | 32;
  return letter >= 97 && letter <= 102 ? letter - 87 : -1;
}
