// A cursor over a parsed config. It never throws: what is absent or of the wrong kind reads as the default, because the
// structural check has already said so; what only a reader can know (units, references) is reported with its place.
import type { Problem } from "../base/problem.ts";
import { parseDurationMs, parseCount, parseSizeBytes } from "../base/units.ts";
import type { Path, Places } from "./place.ts";

/** Where readers put what they find. */
export interface Report {
  readonly places: Places;
  readonly problems: Problem[];
}

export class Reader {
  readonly value: unknown;
  readonly path: Path;
  readonly #report: Report;

  constructor(value: unknown, path: Path, report: Report) {
    this.value = value;
    this.path = path;
    this.#report = report;
  }

  /** Whether anything stands here. */
  get isPresent(): boolean {
    return this.value !== undefined && this.value !== null;
  }

  /** Whether an object stands here. */
  get isObject(): boolean {
    return typeof this.value === "object" && this.value !== null && !Array.isArray(this.value);
  }

  get(key: string): Reader {
    const holder = this.value;
    const value: unknown =
      typeof holder === "object" && holder !== null && Object.hasOwn(holder, key)
        ? Reflect.get(holder, key)
        : undefined;
    return new Reader(value, [...this.path, key], this.#report);
  }

  /** The entries of a list. */
  get items(): readonly Reader[] {
    if (!Array.isArray(this.value)) return [];
    return this.value.map((value: unknown, at) => new Reader(value, [...this.path, at], this.#report));
  }

  /** The entries of an object. */
  get entries(): readonly (readonly [string, Reader])[] {
    return Object.keys(this.isObject ? Object(this.value) : {}).map((key) => [key, this.get(key)]);
  }

  text(byDefault = ""): string {
    return typeof this.value === "string" ? this.value : byDefault;
  }

  number(byDefault: number): number {
    return typeof this.value === "number" ? this.value : byDefault;
  }

  flag(byDefault: boolean): boolean {
    return typeof this.value === "boolean" ? this.value : byDefault;
  }

  durationMs(byDefault: number): number {
    return parseDurationMs(this.text()) ?? byDefault;
  }

  bytes(byDefault: number): number {
    return Math.floor(parseSizeBytes(this.text()) ?? byDefault);
  }

  /** A count of points, or null for `none`. */
  fuel(byDefault: number): number | null {
    if (this.value === "none") return null;
    return typeof this.value === "number" ? this.value : (parseCount(this.text()) ?? byDefault);
  }

  strings(): readonly string[] {
    return this.items.map((item) => item.text());
  }

  record(): Readonly<Record<string, string>> {
    return Object.fromEntries(this.entries.map(([key, value]) => [key, value.text()]));
  }

  /** An object as JSON text, text as it is, absent as "". */
  jsonText(): string {
    if (!this.isPresent) return "";
    return typeof this.value === "string" ? this.value : JSON.stringify(this.value);
  }

  /** One of a closed set, which the schema has checked. */
  oneOf<const T extends string>(words: readonly T[], byDefault: T): T {
    return words.find((word) => word === this.value) ?? byDefault;
  }

  /** Reports something about this place. */
  problem(code: string, message: string, more: { readonly hint?: string; readonly at?: "key" | "value" } = {}): void {
    this.#report.problems.push(this.#report.places.problem(code, message, { ...more, path: this.path }));
  }
}
