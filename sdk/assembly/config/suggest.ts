// "Did you mean": the closest name by edit distance (two rows of Wagner-Fischer).

/** Edits (insert, remove, replace) from `a` to `b`. */
function distance(a: string, b: string): i32 {
  const row = new StaticArray<i32>(b.length + 1);
  for (let j = 0; j <= b.length; j++) row[j] = j;
  for (let i = 1; i <= a.length; i++) {
    let diagonal = row[0];
    row[0] = i;
    for (let j = 1; j <= b.length; j++) {
      const above = row[j];
      const same = a.charCodeAt(i - 1) == b.charCodeAt(j - 1);
      row[j] = min(diagonal + (same ? 0 : 1), min(above, row[j - 1]) + 1);
      diagonal = above;
    }
  }
  return row[b.length];
}

/** The name closest to `given`, or "" when none is near (more than a third of the letters differ). */
export function nearest(given: string, names: string[]): string {
  let best = "";
  let least = given.length / 3 + 2;
  if (given.length > 64) return best;
  for (let i = 0; i < names.length; i++) {
    const edits = distance(given, names[i]);
    if (edits < least) {
      least = edits;
      best = names[i];
    }
  }
  return best;
}
