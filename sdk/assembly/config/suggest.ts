// "Did you mean": the closest name by edit distance (one row of Wagner-Fischer in static memory).

/** Longest name compared, in UTF-16 units. */
const MOST: i32 = 64;
const ROW: usize = memory.data(128);

/** Edits (insert, remove, replace) from `given` to the part [start, end) of `names`. */
function distance(given: string, names: string, start: i32, end: i32): i32 {
  const size = end - start;
  if (size > MOST) return MOST;
  for (let j = 0; j <= size; j++) store<u8>(ROW + j, <u8>j);
  for (let i = 1; i <= given.length; i++) {
    let diagonal: i32 = load<u8>(ROW);
    store<u8>(ROW, <u8>i);
    for (let j = 1; j <= size; j++) {
      const above: i32 = load<u8>(ROW + j, 0);
      const left: i32 = load<u8>(ROW + j - 1);
      const same = unitAt(given, i - 1) == unitAt(names, start + j - 1);
      store<u8>(ROW + j, <u8>min(diagonal + (same ? 0 : 1), min(above, left) + 1));
      diagonal = above;
    }
  }
  return load<u8>(ROW + size);
}

function unitAt(text: string, index: i32): u16 {
  return load<u16>(changetype<usize>(text) + ((<usize>index) << 1));
}

/** `, did you mean "percent"?`, or "" when no name of the list (joined by commas) is near. */
export function didYouMean(given: string, names: string): string {
  const name = nearest(given, names);
  return name.length ? ', did you mean "' + name + '"?' : "";
}

/** The name closest to `given` in a list joined by commas, or "" when none is near (a third of the letters differ). */
function nearest(given: string, names: string): string {
  if (given.length > MOST) return "";
  let least = given.length / 3 + 2;
  let from = 0;
  let to = 0;
  for (let start = 0, end = 0; end < names.length; start = ++end) {
    while (end < names.length && unitAt(names, end) != 44) end++;
    const edits = distance(given, names, start, end);
    if (edits >= least || start == end) continue;
    least = edits;
    from = start;
    to = end;
  }
  return names.substring(from, to);
}
