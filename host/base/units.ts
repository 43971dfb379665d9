// Numbers with units as people write them: `250ms`, `16MiB`, `100/s`. Every parser returns null for what it cannot read;
// the caller knows where the text stood and can say so.

const DURATION_MS: Record<string, number> = { ns: 1e-6, us: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 };
const SIZE_BYTES: Record<string, number> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1000,
  KB: 1000,
  MB: 1e6,
  GB: 1e9,
};
const COUNT: Record<string, number> = { "": 1, k: 1000, M: 1_000_000 };

function parseWith(table: Record<string, number>, text: string): number | null {
  const match = /^(\d+(?:\.\d+)?)\s*([A-Za-z]*)$/.exec(text.trim());
  const factor = match === null ? undefined : table[match[2] ?? ""];
  return match === null || factor === undefined ? null : Number(match[1]) * factor;
}

/** `250ms`, `5s`, `1.5m` -> milliseconds. A bare number is refused: the unit is part of the value. */
export function parseDurationMs(text: string): number | null {
  return parseWith(DURATION_MS, text);
}

/** `16MiB`, `64kB`, `100B` -> bytes. */
export function parseSizeBytes(text: string): number | null {
  return parseWith(SIZE_BYTES, text);
}

/** `10000000`, `10M`, `500k` -> a count. */
export function parseCount(text: string): number | null {
  return parseWith(COUNT, text);
}

/** `100/s`, `5/10s`, `1000/h` -> events and the period in milliseconds. */
export function parseRate(text: string): { readonly events: number; readonly periodMs: number } | null {
  const match = /^(\d+(?:\.\d+)?)\s*\/\s*(\d+(?:\.\d+)?)?\s*([a-z]+)$/.exec(text.trim());
  const unit = match === null ? undefined : DURATION_MS[match[3] ?? ""];
  if (match === null || unit === undefined) return null;
  return { events: Number(match[1]), periodMs: Number(match[2] ?? 1) * unit };
}
