// Host functions that fail on purpose, foreign functions that only a test knows, and an allocator that gives nothing. An
// instance keeps the imports it was linked with, so the injector is there from its start and asks the script at each call.
import * as status from "../../sdk/assembly/abi/status.ts";
import type { Guest, Injector } from "../vm/guest.ts";
import type { HostFunction } from "../vm/host-function.ts";

export interface Failure {
  /** `proxy_http_call`, or `proxy_on_memory_allocate` for the guest's allocator (which then answers 0). */
  readonly call: string;
  /** What it answers (abi/status.ts); also one that no host knows. */
  readonly status: number;
  /** The how-manieth call from now fails, 1 = the next. Default: every one. */
  readonly at?: number;
}

/** What a scripted foreign function answers; a number is a status without a result. */
export type ForeignAnswer = (args: Buffer) => Uint8Array | string | number;

type Call = (...args: number[]) => number;
const ALLOCATOR = "proxy_on_memory_allocate";

interface Waiting extends Failure {
  left: number;
}

export class FaultScript implements Injector {
  readonly allocator: Injector["allocator"];
  /** What the guest's allocator has been asked for, where it is watched. */
  readonly allocated = { calls: 0, bytes: 0 };
  readonly #failures: Waiting[] = [];
  readonly #foreign = new Map<string, ForeignAnswer>();

  /** @param allocations the allocator can fail as well; the host then never writes into scratch memory on its own */
  constructor(allocations: boolean) {
    const { allocated } = this;
    const watched = (run: (size: number) => number, size: number): number => {
      allocated.calls++;
      allocated.bytes += size;
      return this.#take(ALLOCATOR) === null ? run(size) : 0;
    };
    this.allocator = allocations ? (run) => (size) => watched(run, size) : null;
  }

  fail(failure: Failure): void {
    if (failure.call === ALLOCATOR && this.allocator === null)
      throw new Error('the allocator only fails in a harness made with { inject: "allocations" }');
    this.#failures.push({ ...failure, left: failure.at ?? 0 });
  }

  foreign(name: string, answer: ForeignAnswer): void {
    this.#foreign.set(name, answer);
  }

  /** No call fails any more. */
  heal(): void {
    this.#failures.length = 0;
  }

  hostFunction(vm: Guest, name: string, run: HostFunction): HostFunction {
    const call = run as unknown as Call;
    const inner = name === "proxy_call_foreign_function" ? this.#scripted(vm, call) : call;
    const asked: Call = (...args) => {
      const forced = this.#take(name);
      return forced === null ? inner(...args) : vm.refuse(forced as 0, "the test lets {} fail", name);
    };
    return asked as unknown as HostFunction;
  }

  #scripted(vm: Guest, inner: Call): Call {
    return (...args) => {
      const [name = 0, nameSize = 0, data = 0, size = 0, result = 0, resultSize = 0] = args;
      const answer = this.#foreign.get(vm.memory.text(name, nameSize) ?? "");
      const given = answer === undefined ? null : vm.memory.copy(data, size);
      if (answer === undefined || given === null) return inner(...args);
      const said = answer(given);
      if (typeof said === "number") return said;
      return result === 0 ? status.OK : vm.memory.giveBytes(Buffer.from(said as string), result, resultSize);
    };
  }

  /** The status that this call has to answer, or null: it runs. */
  #take(name: string): number | null {
    let forced: number | null = null;
    for (const failure of this.#failures.filter((one) => one.call === name)) {
      if (failure.at === undefined) forced ??= failure.status;
      else if (--failure.left === 0) {
        forced ??= failure.status;
        this.#failures.splice(this.#failures.indexOf(failure), 1);
      }
    }
    return forced;
  }
}
