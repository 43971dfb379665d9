// Durations and sizes in decorators and defaults, checked at build time. Same units as sdk/assembly/config/units.ts.

const NANOS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9, m: 60e9, h: 3600e9 };
const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  KiB: 1024,
  MiB: 1024 ** 2,
  GiB: 1024 ** 3,
  kB: 1e3,
  KB: 1e3,
  MB: 1e6,
  GB: 1e9,
};
const alternatives = (table: object): string => Object.keys(table).join("|");

/** JSON Schema patterns of the unit types. */
export const PATTERNS = {
  Duration: `^\\s*\\d+(\\.\\d+)?\\s*(${alternatives(NANOS)})\\s*$`,
  Size: `^\\s*\\d+(\\.\\d+)?\\s*(${alternatives(BYTES)})\\s*$`,
  Rate: `^\\s*\\d+\\s*/\\s*(\\d+(\\.\\d+)?\\s*)?(${alternatives(NANOS)})\\s*$`,
} as const;

/** Nanoseconds or bytes as a decimal text; null for what the guest would refuse. */
export function unitAmount(kind: "Duration" | "Size", text: string): string | null {
  if (!new RegExp(PATTERNS[kind]).test(text)) return null;
  const match = /^\s*([\d.]+)\s*([A-Za-z]+)/.exec(text);
  const factor = (kind === "Duration" ? NANOS : BYTES)[match?.[2] ?? ""] ?? 0;
  return BigInt(Math.round(Number(match?.[1]) * factor)).toString();
}
