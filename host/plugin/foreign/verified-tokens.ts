// Tokens whose signature has been found to hold, each until its own expiry: checking the same bytes again costs a hash
// instead of a signature. Bounded; the ones used longest ago go first.

const MAX_TOKENS = 1000;

export class VerifiedTokens {
  /** key -> until when, ms since the epoch; the one used last at the end. */
  readonly #untilMs = new Map<string, number>();

  get size(): number {
    return this.#untilMs.size;
  }

  has(key: string, nowMs: number): boolean {
    const until = this.#untilMs.get(key);
    if (until === undefined) return false;
    this.#untilMs.delete(key);
    if (until <= nowMs) return false;
    this.#untilMs.set(key, until);
    return true;
  }

  /** A token without expiry (0) is not kept. */
  keep(key: string, untilMs: number): void {
    if (untilMs === 0) return;
    this.#untilMs.set(key, untilMs);
    if (this.#untilMs.size > MAX_TOKENS) this.#untilMs.delete([...this.#untilMs.keys()][0] ?? "");
  }
}
