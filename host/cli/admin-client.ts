// The admin API from the other side: where it is, how to ask, what its refusals mean.
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { type Problem, ProblemError } from "../base/problem.ts";
import type { SluiceEvent, TapEvent } from "../control/types.ts";
import type { Context } from "./command.ts";
import { DEFAULT_CONFIG } from "./config-file.ts";
import { UnreachableError, UsageError } from "./exit.ts";

export interface AdminTarget {
  readonly url: string;
  readonly token: string;
}

const DEFAULT_ADMIN = "127.0.0.1:9901";

function toUrl(address: string): string {
  const text = /^https?:\/\//.test(address) ? address : `http://${address}`;
  if (URL.canParse(text)) return new URL(text).origin;
  throw new UsageError(`--admin: expected host:port, got "${address}"`);
}

/** `0.0.0.0` is where one listens, not where one connects. */
function reachable(host: string): string {
  if (host === "0.0.0.0") return "127.0.0.1";
  if (host === "::") return "[::1]";
  return host.includes(":") ? `[${host}]` : host;
}

/** Address and token from the config file, if there is a good one. Nobody asked for it, so a bad one is passed over. */
async function fromConfig(context: Context): Promise<AdminTarget | null> {
  const path = resolve(context.cwd, context.args.text("config") ?? DEFAULT_CONFIG);
  try {
    const { parseConfig } = await import("../config/load.ts");
    const { admin } = (await parseConfig(await readFile(path, "utf8"), { path, env: context.env, files: false }))
      .config;
    return admin === null ? null : { url: toUrl(`${reachable(admin.host)}:${admin.port}`), token: admin.token };
  } catch {
    return null;
  }
}

/** --admin, SLUICE_ADMIN, the config file, the default; in this order. */
export async function findAdmin(context: Context): Promise<AdminTarget> {
  const given = context.args.text("admin") ?? context.env["SLUICE_ADMIN"];
  const token = context.env["SLUICE_ADMIN_TOKEN"] ?? "";
  if (given !== undefined) return { url: toUrl(given), token };
  const found = await fromConfig(context);
  return { url: found?.url ?? toUrl(DEFAULT_ADMIN), token: token === "" ? (found?.token ?? "") : token };
}

interface Ask {
  readonly method?: "GET" | "POST" | "PUT";
  /** Sent as JSON; text and bytes as they are. */
  readonly body?: unknown;
  /** Milliseconds. */
  readonly timeoutMs?: number;
}

function bodyOf(body: unknown): { body?: string | Uint8Array<ArrayBuffer> } {
  if (body === undefined) return {};
  if (typeof body === "string") return { body };
  return { body: body instanceof Uint8Array ? new Uint8Array(body) : JSON.stringify(body) };
}

function reasonOf(error: unknown): string {
  const cause: unknown = error instanceof Error ? (error.cause ?? error) : error;
  if (cause instanceof Error && "code" in cause) return String(cause.code);
  return cause instanceof Error ? cause.message : String(cause);
}

/** The problems in a problem+json answer; any other answer becomes one. */
function problemsOf(text: string, status: number): readonly Problem[] {
  try {
    const { problems } = JSON.parse(text) as { problems?: readonly Problem[] };
    if (problems !== undefined && problems.length > 0) return problems;
  } catch {
    // Not ours; said below.
  }
  return [{ kind: "state", code: "bad_answer", message: `the admin API answered ${status}: ${text.slice(0, 200)}` }];
}

export class AdminClient {
  readonly #target: AdminTarget;

  constructor(target: AdminTarget) {
    this.#target = target;
  }

  static async for(context: Context): Promise<AdminClient> {
    return new AdminClient(await findAdmin(context));
  }

  /** @throws UnreachableError, ProblemError */
  async text(path: string, ask: Ask = {}): Promise<string> {
    const response = await this.#fetch(path, ask);
    const text = await response.text();
    if (!response.ok) throw new ProblemError(problemsOf(text, response.status));
    return text;
  }

  /** As {@link text}, parsed. The shapes are those of control/types.ts. */
  async json<T>(path: string, ask: Ask = {}): Promise<T> {
    const text = await this.text(path, ask);
    try {
      return JSON.parse(text) as T;
    } catch {
      throw new ProblemError(problemsOf(text, 200));
    }
  }

  /** Server-sent events until the server ends or `signal` fires. */
  async *events(query: URLSearchParams, signal: AbortSignal): AsyncGenerator<SluiceEvent> {
    for await (const data of this.#stream(`/api/v1/events?${query}`, signal)) yield data as SluiceEvent;
  }

  /** Sampled requests until `signal` fires or the reader stops. @throws UnreachableError when the server ends */
  async *tap(query: URLSearchParams, signal: AbortSignal): AsyncGenerator<TapEvent> {
    try {
      for await (const data of this.#stream(`/api/v1/tap?${query}`, signal)) yield data as TapEvent;
    } catch (error) {
      if (signal.aborted || error instanceof ProblemError || error instanceof UnreachableError) throw error;
      throw new UnreachableError(this.#target.url, reasonOf(error));
    }
    throw new UnreachableError(this.#target.url, "it has ended the stream");
  }

  async *#stream(path: string, signal: AbortSignal): AsyncGenerator<unknown> {
    const response = await this.#fetch(path, {}, signal);
    if (!response.ok) throw new ProblemError(problemsOf(await response.text(), response.status));
    let pending = "";
    for await (const part of (response.body ?? new ReadableStream()).pipeThrough(new TextDecoderStream())) {
      const blocks = (pending + part).split("\n\n");
      pending = blocks.pop() ?? "";
      for (const block of blocks) {
        const data = block.split("\n").find((line) => line.startsWith("data: "));
        if (data !== undefined) yield JSON.parse(data.slice(6));
      }
    }
  }

  async #fetch(path: string, ask: Ask, signal?: AbortSignal): Promise<Response> {
    const { url, token } = this.#target;
    const headers: Record<string, string> = token === "" ? {} : { authorization: `Bearer ${token}` };
    const limit = ask.timeoutMs === undefined ? signal : AbortSignal.timeout(ask.timeoutMs);
    const init = {
      method: ask.method ?? "GET",
      headers,
      ...bodyOf(ask.body),
      ...(limit === undefined ? {} : { signal: limit }),
    };
    try {
      return await fetch(`${url}${path}`, init);
    } catch (error) {
      if (signal?.aborted === true) throw error;
      throw new UnreachableError(url, reasonOf(error));
    }
  }
}
