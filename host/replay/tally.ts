// What comparisons add up to: per field how often, where first, on which routes, with examples that may be shown. Constant
// memory: fields, routes and examples are bounded.
import { discreet } from "../base/secrets.ts";
import type { Difference } from "./compare.ts";

const MAX_FIELDS = 100;
const MAX_ROUTES = 20;
const MAX_EXAMPLES = 3;
const MAX_SHOWN = 200;
/** Diffy's thresholds (experiments.md 1): relative to the noise in percent, and absolute. */
const RELATIVE = 20;
const ABSOLUTE = 0.03;

/** Names are part of `--json` and the admin API: add, do not rename. */
export interface FieldReport {
  readonly phase: string;
  readonly field: string;
  readonly count: number;
  /** The same between two runs of one version, scaled to as many streams. */
  readonly noise: number;
  /** Above the thresholds: worth a look. */
  readonly shown: boolean;
  /** ISO 8601, of the first stream that differed. */
  readonly firstSeen: string;
  readonly routes: Readonly<Record<string, number>>;
  readonly examples: readonly Example[];
}

export interface Example {
  readonly requestId: string;
  readonly route: string;
  /** Line of the recording; 0 = live. */
  readonly line: number;
  readonly a: string | null;
  readonly b: string | null;
}

/** The stream a comparison was about. */
export interface Compared {
  readonly requestId: string;
  readonly route: string;
  readonly timeMs: number;
  readonly differences: readonly Difference[];
}

interface Count {
  readonly phase: string;
  readonly field: string;
  count: number;
  readonly firstMs: number;
  readonly routes: Map<string, number>;
  readonly examples: Example[];
}

export class Tally {
  readonly #fields = new Map<string, Count>();
  compared = 0;
  differing = 0;

  add({ differences, ...stream }: Compared): void {
    this.compared++;
    if (differences.length > 0) this.differing++;
    for (const difference of differences) this.#count(difference, stream);
  }

  #count({ phase, field, line, a, b }: Difference, { requestId, route, timeMs }: Omit<Compared, "differences">): void {
    const key = this.#fields.size < MAX_FIELDS ? `${phase} ${field}` : "other";
    const known = this.#fields.get(`${phase} ${field}`) ?? this.#fields.get(key);
    const empty = { count: 0, firstMs: timeMs, routes: new Map<string, number>(), examples: [] };
    const count: Count =
      known ?? (key === "other" ? { phase: "other", field: "other", ...empty } : { phase, field, ...empty });
    if (known === undefined) this.#fields.set(key, count);
    count.count++;
    const place = count.routes.size < MAX_ROUTES || count.routes.has(route) ? route : "other";
    count.routes.set(place, (count.routes.get(place) ?? 0) + 1);
    const example = { requestId, route, line, a: shown(field, a), b: shown(field, b) };
    if (count.examples.length < MAX_EXAMPLES) count.examples.push(example);
  }

  /** Most frequent first. @param noise comparisons of a version with itself */
  fields(noise: Tally | null): readonly FieldReport[] {
    const all = [...this.#fields.values()].map((one) => this.#report(one, noise));
    return all.sort((a, b) => b.count - a.count || (`${a.phase} ${a.field}` < `${b.phase} ${b.field}` ? -1 : 1));
  }

  #report({ phase, field, count, firstMs, routes, examples }: Count, tally: Tally | null): FieldReport {
    const share = tally === null || tally.compared === 0 ? 0 : this.compared / tally.compared;
    const noise = Math.round((tally?.countOf(phase, field) ?? 0) * share * 100) / 100;
    const apart = Math.abs(count - noise);
    const isShown = (apart / (count + noise)) * 100 > RELATIVE && (apart / this.compared) * 100 > ABSOLUTE;
    const firstSeen = new Date(firstMs).toISOString();
    return { phase, field, count, noise, shown: isShown, firstSeen, routes: Object.fromEntries(routes), examples };
  }

  countOf(phase: string, field: string): number {
    return this.#fields.get(`${phase} ${field}`)?.count ?? 0;
  }

  /** field -> how often, for metrics. */
  get counts(): Readonly<Record<string, number>> {
    const sums: Record<string, number> = {};
    for (const { field, count } of this.#fields.values()) sums[field] = (sums[field] ?? 0) + count;
    return sums;
  }
}

function shown(field: string, value: string | null): string | null {
  if (value === null) return null;
  const name = field.slice(field.lastIndexOf(".") + 1);
  const text = discreet(name, value);
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}
