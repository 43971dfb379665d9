// "Did you mean": the closest name by edit distance (two rows of Wagner-Fischer).

/** Longest name compared. */
const MOST: i32 = 64;
const ROW: usize = memory.data(128);

/** Edits (insert, remove, replace) from `a` to `b`. */
function distance(a: string, b: string): i32 {
  if (b.length > MOST) return MOST;
  for (let j = 0; j <= b.length; j++) store<u8>(ROW + j, <u8>j);
  for (let i = 1; i <= a.length; i++) {
    let diagonal = load<u8>(ROW);
    store<u8>(ROW, <u8>i);
    for (let j = 1; j <= b.length; j++) {
      const above = load<u8>(ROW + j);
      const same = a.charCodeAt(i - 1) == b.charCodeAt(j - 1);
      store<u8>(ROW + j, <u8>min(<u32>diagonal + (same ? 0 : 1), min<u32>(above, load<u8>(ROW + j - 1)) + 1));
      diagonal = above;
    }
  }
  return load<u8>(ROW + b.length);
}

/** The name closest to `given` of a list joined by commas, or "" when none is near (a third of the letters differ). */
export function nearest(given: string, names: string): string {
  let best = "";
  let least = given.length / 3 + 2;
  if (given.length > MOST) return best;
  for (let start = 0; start < names.length; ) {
    const comma = names.indexOf(",", start);
    const end = comma < 0 ? names.length : comma;
    const name = names.substring(start, end);
    const edits = distance(given, name);
    if (edits < least) {
      least = edits;
      best = name;
    }
    start = end + 1;
  }
  return best;
}
