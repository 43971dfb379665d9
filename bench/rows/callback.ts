// P5: one filter callback in isolation, against the same work as plain JavaScript on the host's own header list. In this
// process, no sockets; process.cpuUsage around many calls, minimum and median of several rounds.
import { firstHeader, replaceHeader, type HeaderList } from "../../host/abi/headers.ts";
import type { ExchangePort } from "../../host/chain/ports.ts";
import { HttpFilterStream } from "../../host/chain/http-stream.ts";
import { type ChainSlot, newArmCounts } from "../../host/chain/slot.ts";
import { FilterChain } from "../../host/chain/template.ts";
import type { FilterOptions } from "../../host/plugin/options.ts";
import { Harness } from "../../host/testing/harness.ts";
import { type Bench, wants } from "../bench.ts";
import { type Figure, figureOf, ratio } from "../measure/statistics.ts";
import { type Row, rowOf } from "../row.ts";

const CALLS = 200_000;
const ROUNDS = 9;

const HEAD = `:method GET :scheme http :authority 127.0.0.1:8080 :path / user-agent wrk-bench/1.0
accept text/html;q=0.9 accept-encoding gzip x-trace 0af7651916cd43dd8448eb211c80319c cookie session=abcdef0123456789
x-forwarded-for 127.0.0.1 x-forwarded-proto http x-request-id b2a0c5a2-0000-4000-8000-000000000000`.split(/\s/);
const head = (): HeaderList => HEAD.slice();
const answer = (): HeaderList => [":status", "200", "content-type", "text/plain", "server", "nginx", "date", "now"];

export async function callbackRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "P5")) return [];
  const { wasm } = await bench.build("tier");
  const plain = measure(plainFilter());
  const callback = measure(guestCallback(wasm));
  const stream = measure(wholeStream(wasm, 1), CALLS / 4);
  const what = "callback of an SDK filter (2 get, 1 set), fuel on";
  return [
    rowOf({ id: "P5", what, unit: "us", figure: callback, gate: 0.6, stretch: 0.35 }),
    rowOf({ id: "P5", what, peer: "plain JavaScript", unit: "x", figure: ratio(callback, plain) }),
    rowOf({ id: "P5", what: "a whole stream through a chain of one", unit: "us", figure: stream }),
  ];
}

/** Microseconds of CPU per call. */
export function measure(call: () => void, calls = CALLS): Figure {
  for (let at = 0; at < calls; at++) call();
  const micros: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const before = process.cpuUsage();
    for (let at = 0; at < calls; at++) call();
    const { user, system } = process.cpuUsage(before);
    micros.push((user + system) / calls);
  }
  return figureOf(micros);
}

function plainFilter(): () => void {
  const headers = head();
  return () => {
    const agent = firstHeader(headers, "user-agent");
    const accept = firstHeader(headers, "accept");
    const gold = agent !== undefined && accept !== undefined && agent.startsWith("wrk");
    replaceHeader(headers, "x-tier", gold ? "gold" : "plain");
  };
}

const NOTHING = (): void => {};

/** The callback alone, again and again on one stream. */
export function guestCallback(wasm: Uint8Array, options: Partial<FilterOptions> = {}): () => void {
  const { stream, context } = openStream(wasm, options);
  const callback = context.vm.callbacks.onRequestHeaders;
  if (callback === null) throw new Error("the guest has no request callback");
  const pairs = (stream.map(0)?.length ?? 0) / 2;
  return () => {
    context.run(callback, pairs, 1);
    context.vm.settle();
  };
}

function openStream(wasm: Uint8Array, options: Partial<FilterOptions>) {
  const harness = newHarness(wasm, 1, options);
  const stream = new HttpFilterStream(slotsOf(harness), exchange(harness), NOTHING);
  stream.requestHeaders(head(), true);
  const context = stream.contextAt(0, "response");
  if (context === null) throw new Error("the filter takes no part in the stream");
  return { stream, context };
}

/** Everything the chain does for one exchange: contexts, both directions, the end. */
export function wholeStream(wasm: Uint8Array, filters: number, slots = slotsOf): () => void {
  const harness = newHarness(wasm, filters);
  const port = exchange(harness);
  const { facts } = port;
  const chain = new FilterChain(slots(harness), { streamBegan: NOTHING, streamEnded: NOTHING });
  let number = 0;
  return () => {
    // Facts are new with every exchange.
    facts.requestId = `request-${number++ & 1023}`;
    facts.arms = "";
    facts.exposure = null;
    const stream = chain.open(port);
    stream.requestHeaders(head(), true);
    stream.responseHeaders(answer(), true);
    stream.end();
  };
}

function newHarness(wasm: Uint8Array, filters: number, options: Partial<FilterOptions> = {}): Harness {
  const names = Array.from({ length: filters }, (_, at) => `tier-${at}`);
  return new Harness(names.map((name) => ({ name, wasm, options })));
}

function slotsOf({ generations }: Harness): readonly ChainSlot[] {
  return generations.map((generation) => {
    const arm = { generation, config: "", name: "", counts: newArmCounts(), tally: null };
    return { filter: generation.spec.options.name, choose: () => arm };
  });
}

/** An exchange that takes everything and says nothing. */
function exchange(harness: Harness): ExchangePort {
  const { facts } = harness.open();
  return {
    facts,
    forwardRequestHeaders: NOTHING,
    forwardRequestBody: NOTHING,
    forwardRequestTrailers: NOTHING,
    forwardResponseHeaders: NOTHING,
    forwardResponseBody: NOTHING,
    forwardResponseTrailers: NOTHING,
    clearRouteCache: NOTHING,
    stopRequest: NOTHING,
    reset: NOTHING,
    holdRequest: NOTHING,
    holdResponse: NOTHING,
  };
}
