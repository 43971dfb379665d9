// One simulated request through one filter, told as a story: what `sluice call` and `POST /api/v1/try` show.
import type { HeaderList } from "../abi/headers.ts";
import type { Transpiled } from "../module/component/transpiled.ts";
import type { ProfileName } from "../vm/profile-name.ts";
import { type Phase, Story } from "../vm/story.ts";
import { Harness } from "./harness.ts";
import { DEFAULT_FUEL } from "./load-filter.ts";

export interface CallOptions {
  readonly wasm: Uint8Array;
  /** Of a component: what jco made of it. */
  readonly transpiled?: Transpiled;
  /** JSON text; "" for none. */
  readonly pluginConfig: string;
  readonly method: string;
  readonly path: string;
  readonly headers: readonly (readonly [string, string])[];
  readonly body: Uint8Array | null;
  /** Which host to behave like. Default sluice. */
  readonly profile?: ProfileName;
}

export interface CallResult {
  readonly phases: readonly Phase[];
  readonly requestHeaders: readonly (readonly [string, string])[];
  readonly status: number;
  /** Whether the filter answered itself. */
  readonly isLocalReply: boolean;
  readonly responseHeaders: readonly (readonly [string, string])[];
  readonly responseBody: string;
  readonly logs: readonly { readonly level: string; readonly message: string }[];
}

const LEVELS = ["trace", "debug", "info", "warn", "error", "critical"] as const;
/** What the made-up upstream answers. */
const UPSTREAM_BODY = "hello from the upstream\n";
/** Enough virtual time for every delay a filter may ask for. */
const PATIENCE_MS = 60_000;

const pairs = (list: HeaderList): (readonly [string, string])[] =>
  list.flatMap((name, at) => (at % 2 === 0 ? [[name, list[at + 1] ?? ""] as const] : []));

/** @throws ProblemError when the module does not load or refuses its configuration */
export function callFilter(options: CallOptions): CallResult {
  const phases: Phase[] = [];
  const story = new Story({
    now: () => performance.now(),
    budget: DEFAULT_FUEL,
    maxCalls: Infinity,
    tell: (phase) => void phases.push(phase),
  });
  const { wasm, transpiled, pluginConfig, method, path, headers, body } = options;
  const harness = new Harness([{ name: "filter", wasm, config: pluginConfig, ...(transpiled && { transpiled }) }], {
    trace: story,
    logLevel: 0,
    ...(options.profile === undefined ? {} : { profile: options.profile }),
    clock: Date.now(),
  });
  const exchange = harness.open();
  const fields = headers.flatMap(([name, value]) => [name.toLowerCase(), value]);
  exchange.stream.requestHeaders(
    [":method", method, ":scheme", "http", ":authority", "localhost", ":path", path, ...fields],
    body === null,
  );
  if (body !== null) exchange.stream.requestBody(Buffer.from(body), true);
  harness.clock.advance(exchange.upstreamRequest === null && exchange.replyDetails === null ? PATIENCE_MS : 0);
  const seen = exchange.upstreamRequest?.list ?? [];
  if (exchange.replyDetails === null && exchange.upstreamRequest !== null)
    exchange.respond({ headers: { "content-type": "text/plain" }, body: UPSTREAM_BODY });
  exchange.end();
  const { response } = exchange;
  const result = {
    phases,
    requestHeaders: pairs(seen),
    status: response?.status ?? 0,
    isLocalReply: exchange.replyDetails !== null,
    responseHeaders: pairs(response?.list ?? []),
    responseBody: response?.body ?? "",
    logs: harness.logs.map(({ level, message }) => ({ level: LEVELS[level] ?? "info", message })),
  };
  harness.close();
  return result;
}
