// Which decisions differ. Streams are compared callback by callback; after a difference that sends the two on different ways
// (pause, reply, trap, another callback) the rest of the stream says nothing any more.
import { decisionOf, type Decision } from "./decision.ts";
import type { CallbackStep } from "./steps.ts";

/** One callback of one version. */
export interface Judged {
  readonly fn: string;
  readonly decision: Decision;
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
    const decision = decisionOf(step, this.#maps.get(acted) ?? new Map());
    this.#learn(acted, step.out?.maps);
    return { fn: step.in.fn, decision, fuel: step.out?.fuel ?? null, line: step.line };
  }

  #learn(c: number, maps: Readonly<Record<string, readonly string[]>> | undefined): void {
    if (maps === undefined) return;
    const known = this.#maps.get(c) ?? new Map<number, readonly string[]>();
    this.#maps.set(c, known);
    for (const [map, list] of Object.entries(maps)) known.set(Number(map), list);
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
    const differences = fieldsOf(one, other).filter(({ field }) => !isIgnored(field));
    found.push(...differences);
    if (differences.some(({ field }) => PARTING.test(field))) return found;
  }
  return found;
}

function fieldsOf(a: Judged, b: Judged): Difference[] {
  const fields = [...new Set([...a.decision.keys(), ...b.decision.keys()])].sort();
  return fields.flatMap((field) => {
    const [one, other] = [a.decision.get(field) ?? null, b.decision.get(field) ?? null];
    return one === other ? [] : [{ phase: phaseOf(a.fn), field, a: one, b: other, line: a.line }];
  });
}
