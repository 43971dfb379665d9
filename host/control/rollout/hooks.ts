// Webhooks of a rollout: somebody outside is asked before a step and told afterwards. What is asked and does not answer 2xx in
// time holds the rollout; what is only told never holds anything (experiments.md 8).
import type { HookName, HookOptions } from "../../experiment/options.ts";

/** Posts JSON. @returns the status; rejects when there is no answer in time */
export type Post = (url: string, body: unknown, timeoutMs: number) => Promise<number>;

export const postJson: Post = async (url, body, timeoutMs) => {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
    signal: AbortSignal.timeout(timeoutMs),
    redirect: "error",
  });
  await response.body?.cancel();
  return response.status;
};

export class Hooks {
  readonly #post: Post;

  constructor(post: Post) {
    this.#post = post;
  }

  /** Asks the hooks of these names, in order. @returns why not, or null: all said yes, or there are none */
  async ask(hooks: readonly HookOptions[], names: readonly HookName[], body: object): Promise<string | null> {
    for (const name of names) {
      const hook = hooks.find((one) => one.name === name);
      const refusal = hook === undefined ? null : await this.#refusal(hook, body);
      if (refusal !== null) return refusal;
    }
    return null;
  }

  async #refusal({ name, url, timeoutMs }: HookOptions, body: object): Promise<string | null> {
    try {
      const status = await this.#post(url, { hook: name, ...body }, timeoutMs);
      return status >= 200 && status < 300 ? null : `hook ${name} answered ${status}`;
    } catch (error) {
      return `hook ${name} did not answer: ${error instanceof Error ? error.message : String(error)}`;
    }
  }

  /** Tells, and does not wait. */
  tell(hooks: readonly HookOptions[], name: HookName, body: object): void {
    void this.ask(hooks, [name], body);
  }
}
