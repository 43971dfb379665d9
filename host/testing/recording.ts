// What a harness with `record: true` keeps: everything its filter did, as a recording that can be replayed.
import type { Clock } from "../base/clock.ts";
import type { StreamFacts } from "../chain/ports.ts";
import type { StreamWatch } from "../chain/watched-stream.ts";
import type { FilterOptions } from "../plugin/options.ts";
import type { RecordLine } from "../replay/events.ts";
import { headerOf, writeRecording } from "../replay/jsonl.ts";
import { RecordedInstance } from "../replay/recorded-instance.ts";

export interface KeptFilter {
  readonly options: FilterOptions;
  readonly sha256: string;
}

/** Everything is kept: a test has no secrets. */
const MAX_BODY_BYTES = 16 * 1024 * 1024;

export class HarnessRecording {
  readonly instance: RecordedInstance;
  readonly #filter: KeptFilter;
  readonly #lines: RecordLine[] = [];

  constructor(filter: KeptFilter, clock: Clock, logLevel: number) {
    this.#filter = filter;
    this.instance = new RecordedInstance({
      clock,
      budget: filter.options.limits.fuel,
      maxBodyBytes: MAX_BODY_BYTES,
      name: "1",
      configs: [filter.options.pluginConfig],
      logLevel,
      worker: 1,
      tells: "all",
      say: (line) => void this.#lines.push(line),
    });
  }

  watch(facts: StreamFacts): StreamWatch {
    const { recorder } = this.instance;
    const contexts: number[] = [];
    return {
      slots: (own) => own,
      entered(_arm, id, isOpen) {
        contexts.push(id);
        recorder.begin(id, 0, facts, isOpen);
        return undefined;
      },
      ended() {
        for (const id of contexts) recorder.end(id);
      },
    };
  }

  text(): string {
    this.instance.recorder.flush();
    const { options, sha256 } = this.#filter;
    const header = headerOf({ options, version: "test", sha256, abi: "0.2.1", redacted: false, bodies: "full" });
    return writeRecording({ header, lines: this.#lines });
  }
}
