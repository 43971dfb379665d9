// "Did you mean": the nearest known word to a mistyped one.

/** The edit distance (Levenshtein with swaps of neighbours) of two short words. */
function distance(a: string, b: string): number {
  const rows = Array.from({ length: a.length + 1 }, (_, row) => [row, ...Array.from({ length: b.length }, () => 0)]);
  const at = (row: number, column: number): number => (row === 0 ? column : (rows[row]?.[column] ?? 0));
  for (let row = 1; row <= a.length; row++) {
    for (let column = 1; column <= b.length; column++) {
      const same = a[row - 1] === b[column - 1] ? 0 : 1;
      let best = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, at(row - 1, column - 1) + same);
      const swapped = row > 1 && column > 1 && a[row - 1] === b[column - 2] && a[row - 2] === b[column - 1];
      if (swapped) best = Math.min(best, at(row - 2, column - 2) + 1);
      const line = rows[row];
      if (line !== undefined) line[column] = best;
    }
  }
  return at(a.length, b.length);
}

/**
 * The known word nearest to `given`, ignoring case and `_`/`-` (so Envoy's snake_case finds its lowerCamelCase), or null
 * when nothing is near: at most a third of the letters may differ.
 */
export function nearest(given: string, known: readonly string[]): string | null {
  const plain = (word: string): string => word.toLowerCase().replaceAll(/[_-]/g, "");
  const ranked = known
    .map((word) => ({ word, far: distance(plain(given), plain(word)) }))
    .sort((a, b) => a.far - b.far || a.word.localeCompare(b.word));
  const best = ranked[0];
  if (best === undefined || best.far > Math.max(1, Math.floor(best.word.length / 3))) return null;
  return best.word;
}

/** `did you mean "x"?`, or a list of what is known when nothing is near. */
export function suggestion(given: string, known: readonly string[]): string {
  const best = nearest(given, known);
  if (best !== null) return `did you mean "${best}"?`;
  return known.length === 0 ? "nothing is defined here" : `known: ${known.join(", ")}`;
}
