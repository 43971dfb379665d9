// Which decisions differ. Streams are compared callback by callback; after a difference that sends the two on different ways
// (pause, reply, trap, another callback) the rest of the stream says nothing any more.
import type { CallValue } from "../vm/call-values.ts";
import { decisionOf, type Decision } from "./decision.ts";
import type { CallLine, MapsNow } from "./events.ts";
import type { CallbackStep } from "./steps.ts";
import { decides } from "./telling.ts";

/** One callback of one version. */
export interface Judged {
  readonly fn: string;
  readonly step: CallbackStep;
  /** The maps that it has changed, as it found them. */
  readonly before: ReadonlyMap<number, readonly string[]>;
  readonly fuel: number | null;
  readonly line: number;
}

export interface Difference {
  /** `proxy_on_request_headers` without its beginning: `request_headers`. */
  readonly phase: string;
  readonly field: string;
  /** null = nothing was decided there. */
  readonly a: string | null;
  readonly b: string | null;
  readonly line: number;
}

const NO_MAPS: Judged["before"] = new Map();

/** Makes decisions of the steps of one instance: remembers what its header maps looked like. */
export class Judge {
  readonly #maps = new Map<number, Map<number, readonly string[]>>();
  readonly #recordedOf: (c: number) => number;

  /** @param recordedOf the recorded context that stands for one of the steps */
  constructor(recordedOf: (c: number) => number = (c) => c) {
    this.#recordedOf = recordedOf;
  }

  judge(step: CallbackStep): Judged {
    const began = this.#recordedOf(step.in.c);
    this.#learn(began, step.in.maps);
    const acted = step.out === null ? began : this.#recordedOf(step.out.c);
    const before = this.#before(acted, step.out?.maps);
    this.#learn(acted, step.out?.maps);
    return { fn: step.in.fn, step, before, fuel: step.out?.fuel ?? null, line: step.line };
  }

  #before(c: number, maps: MapsNow | undefined): Judged["before"] {
    const known = maps === undefined ? undefined : this.#maps.get(c);
    return known === undefined ? NO_MAPS : new Map(known);
  }

  #learn(c: number, maps: MapsNow | undefined): void {
    if (maps === undefined) return;
    const known = this.#maps.get(c) ?? new Map<number, readonly string[]>();
    this.#maps.set(c, known);
    for (const map in maps) known.set(Number(map), maps[map] ?? []);
  }

  forget(c: number): void {
    this.#maps.delete(c);
  }
}

const PARTING = /^(?:action|trap|reply\..*|close)$/;
export const phaseOf = (fn: string): string => fn.replace(/^(?:proxy|envoy)_on_/, "");

export function compare(
  a: readonly Judged[],
  b: readonly Judged[],
  isIgnored: (field: string) => boolean,
): readonly Difference[] {
  const found: Difference[] = [];
  for (let at = 0; at < Math.max(a.length, b.length); at++) {
    const [one, other] = [a[at], b[at]];
    if (one?.fn !== other?.fn) {
      const line = one?.line ?? a.at(-1)?.line ?? 0;
      const missing = {
        a: one === undefined ? null : phaseOf(one.fn),
        b: other === undefined ? null : phaseOf(other.fn),
      };
      const phase = phaseOf(one?.fn ?? other?.fn ?? "");
      return isIgnored("callback") ? found : [...found, { phase, field: "callback", ...missing, line }];
    }
    if (one === undefined || other === undefined) return found;
    if (isSame(one, other)) continue;
    const differences = fieldsOf(one, other).filter(({ field }) => !isIgnored(field));
    found.push(...differences);
    if (differences.some(({ field }) => PARTING.test(field))) return found;
  }
  return found;
}

function fieldsOf(a: Judged, b: Judged): Difference[] {
  const [ofA, ofB]: [Decision, Decision] = [decisionOf(a.step, a.before), decisionOf(b.step, b.before)];
  const fields = [...new Set([...ofA.keys(), ...ofB.keys()])].sort();
  return fields.flatMap((field) => {
    const [one, other] = [ofA.get(field) ?? null, ofB.get(field) ?? null];
    return one === other ? [] : [{ phase: phaseOf(a.fn), field, a: one, b: other, line: a.line }];
  });
}

/** Made of the same things, so that no decision needs to be put into words: the common case, and cheap. */
function isSame({ step: a, before: wasA }: Judged, { step: b, before: wasB }: Judged): boolean {
  const [one, other] = [a.out, b.out];
  if (one === null || other === null || one.r !== other.r) return false;
  if (one.fault !== undefined || other.fault !== undefined) return false;
  if (one.body !== undefined || other.body !== undefined) return false;
  return sameMaps([one.maps, wasA], [other.maps, wasB]) && sameEffects(a.calls, b.calls);
}

type Edit = readonly [after: MapsNow | undefined, before: Judged["before"]];

function sameMaps([a, wasA]: Edit, [b, wasB]: Edit): boolean {
  if (a === undefined || b === undefined) return a === b;
  for (const map in b) if (a[map] === undefined) return false;
  for (const map in a) {
    if (!sameValue(a[map], b[map]) || !sameValue(wasA.get(Number(map)), wasB.get(Number(map)))) return false;
  }
  return true;
}

/** A version is told by its effects alone, a recording by every call. */
function sameEffects(a: readonly CallLine[], b: readonly CallLine[]): boolean {
  let at = 0;
  for (const call of a) {
    if (!decides(call.fn)) continue;
    while (at < b.length && !decides(b[at]?.fn ?? "")) at++;
    const other = b[at++];
    if (other === undefined || call.fn !== other.fn || call.s !== other.s || !sameList(call.a, other.a)) return false;
  }
  while (at < b.length && !decides(b[at]?.fn ?? "")) at++;
  return at >= b.length;
}

function sameList(a: readonly CallValue[], b: readonly CallValue[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at++) if (!sameValue(a[at], b[at])) return false;
  return true;
}

const sameValue = (a: CallValue | undefined, b: CallValue | undefined): boolean =>
  a === b || (typeof a === "object" && typeof b === "object" && sameList(a, b));
