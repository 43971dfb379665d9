// What a filter costs, callback by callback: time with the host's part of it, fuel, memory asked for. Many streams go through
// one phase together, so that no clock is read per call; versions take turns, and the least of many rounds counts.
import { inspectModule } from "../module/inspect.ts";
import { Harness } from "./harness.ts";
import type { FilterUnderTest } from "./load-filter.ts";
import type { HeaderInput, RequestInput, TestExchange } from "./transport.ts";

export interface BenchTraffic {
  readonly request: Omit<RequestInput, "body"> & { readonly body: Uint8Array | null };
  readonly responseHeaders: HeaderInput;
  readonly responseBody: Uint8Array;
}

export interface PhaseCost {
  /** `request_headers`, `request_body`, `response_headers`, `response_body`, `end` (log, done, delete). */
  readonly phase: string;
  /** Nanoseconds per stream, host included: the least and the median of the rounds. */
  readonly nanos: number;
  readonly medianNanos: number;
  /** Points of the filter's callbacks in this phase; null when it has none there. */
  readonly fuel: number | null;
}

export interface FilterCost {
  readonly phases: readonly PhaseCost[];
  /** Of one exchange: how often the host needs memory of the guest, and how much. */
  readonly allocations: number;
  readonly allocatedBytes: number;
  /** Linear memory, and by how much it grew after the first round. */
  readonly memoryBytes: number;
  readonly grownBytes: number;
  /** On disk, and without custom sections. */
  readonly size: number;
  readonly codeSize: number;
}

export interface BenchPlan {
  readonly rounds: number;
  readonly streams: number;
  /** Monotonic ms. */
  readonly nowMs: () => number;
}

export const PLAN: Omit<BenchPlan, "nowMs"> = { rounds: 40, streams: 250 };

interface Step {
  readonly phase: string;
  /** Callbacks whose fuel belongs to it. */
  readonly callbacks: RegExp;
  run(exchange: TestExchange): void;
}

function stepsOf({ request, responseHeaders, responseBody }: BenchTraffic): readonly Step[] {
  const { body, ...head } = request;
  const steps: Step[] = [
    {
      phase: "request_headers",
      callbacks: /_(create|request_headers)$/,
      run: (x) => (body === null ? x.send(head) : x.sendHead(head)),
    },
  ];
  if (body !== null)
    steps.push({
      phase: "request_body",
      callbacks: /_request_body$/,
      run: (x) => x.stream.requestBody(Buffer.from(body), true),
    });
  return [
    ...steps,
    {
      phase: "response_headers",
      callbacks: /_response_headers$/,
      run: (x) => x.respondHead({ headers: responseHeaders }),
    },
    {
      phase: "response_body",
      callbacks: /_response_body$/,
      run: (x) => x.stream.responseBody(Buffer.from(responseBody), true),
    },
    { phase: "end", callbacks: /_on_(log|done|delete)$/, run: (x) => void x.end() },
  ];
}

/** One version under measurement. */
class Subject {
  readonly times: number[][];
  firstBytes = 0;
  readonly #harness: Harness;
  readonly #steps: readonly Step[];

  constructor(filter: FilterUnderTest, steps: readonly Step[]) {
    this.#harness = new Harness([filter], { logLevel: 5 });
    this.#steps = steps;
    this.times = steps.map(() => []);
  }

  round({ streams, nowMs }: BenchPlan): void {
    const exchanges = Array.from({ length: streams }, () => this.#harness.open());
    for (const [index, step] of this.#steps.entries()) {
      const began = nowMs();
      for (const exchange of exchanges) step.run(exchange);
      this.times[index]?.push(((nowMs() - began) * 1e6) / streams);
    }
    this.firstBytes ||= this.memoryBytes;
    this.#harness.logs.length = 0;
  }

  get memoryBytes(): number {
    return this.#harness.memoryBytes();
  }

  close(): void {
    this.#harness.close();
  }
}

/** Fuel by phase, and the memory one warm exchange asks for: counted apart, since counting costs time. */
function counts(filter: FilterUnderTest, steps: readonly Step[]) {
  const harness = new Harness([filter], { logLevel: 5, trace: true, inject: "allocations" });
  const play = (): TestExchange => {
    const exchange = harness.open();
    for (const step of steps) step.run(exchange);
    return exchange;
  };
  play();
  const before = harness.allocated;
  const exchange = play();
  const { calls, bytes } = harness.allocated;
  const fuel = steps.map(({ callbacks }) => {
    const own = exchange.trace.flatMap((phase) =>
      callbacks.test(phase.name) && phase.fuel !== null ? [phase.fuel] : [],
    );
    return own.length === 0 ? null : own.reduce((sum, one) => sum + one, 0);
  });
  harness.close();
  return { fuel, allocations: calls - before.calls, allocatedBytes: bytes - before.bytes };
}

/** Measures all versions in turn. @throws ProblemError when one does not load */
export function benchFilters(
  filters: readonly FilterUnderTest[],
  traffic: BenchTraffic,
  plan: BenchPlan,
): readonly FilterCost[] {
  const steps = stepsOf(traffic);
  const subjects = filters.map((filter) => new Subject(filter, steps));
  for (let round = 0; round < plan.rounds; round++) for (const subject of subjects) subject.round(plan);
  return filters.map((filter, index) => {
    const subject = subjects[index] as Subject;
    const { fuel, ...memory } = counts(filter, steps);
    const phases = steps.map(({ phase }, at) => ({
      phase,
      ...figures(subject.times[at] ?? []),
      fuel: fuel[at] ?? null,
    }));
    const { memoryBytes, firstBytes } = subject;
    subject.close();
    const sizes = { size: filter.wasm.length, codeSize: inspectModule(filter.wasm).sizeWithoutCustom };
    return { phases, ...memory, memoryBytes, grownBytes: memoryBytes - firstBytes, ...sizes };
  });
}

function figures(times: readonly number[]): { readonly nanos: number; readonly medianNanos: number } {
  const sorted = times.toSorted((a, b) => a - b);
  return { nanos: sorted[0] ?? 0, medianNanos: sorted[sorted.length >> 1] ?? 0 };
}
