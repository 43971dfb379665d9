// A twin whose whole life is recorded: another instance of a generation that runs, for one recording, which meets nothing but
// the streams that were picked for it (RATIONALE: "How can a recording be replayed exactly").
import type { StreamFacts } from "../../chain/ports.ts";
import type { Generation } from "../../plugin/generation.ts";
import { QueueBell } from "../../plugin/queue-bell.ts";
import type { FaultReport, PluginServices } from "../../plugin/services.ts";
import type { RecordLine } from "../../replay/events.ts";
import { RecordedInstance } from "../../replay/recorded-instance.ts";
import type { Telling } from "../../replay/telling.ts";
import { borrowed, lineOf } from "../tap/twins.ts";

export interface RecordedTwinParts {
  readonly services: PluginServices;
  /** Tells its instances from all others of the recording. */
  readonly name: string;
  readonly maxBodyBytes: number;
  readonly tells: Telling;
  readonly say: (line: RecordLine) => void;
}

export class RecordedTwin {
  readonly generation: Generation;
  readonly #instance: RecordedInstance;

  /** @throws ProblemError when it does not start */
  constructor(live: Generation, { services, name, maxBodyBytes, tells, say }: RecordedTwinParts) {
    const { spec } = live;
    this.#instance = new RecordedInstance({
      clock: services.clock,
      budget: spec.options.limits.fuel,
      maxBodyBytes,
      tells,
      name,
      configs: spec.configs,
      logLevel: services.logLevel(),
      worker: services.worker ?? 0,
      say,
    });
    this.generation = live.twin({
      ...services,
      trace: this.#instance.recorder,
      queues: borrowed(services.queues),
      bell: new QueueBell({ later: () => {}, nowMs: () => 0 }),
      faulted: (report: FaultReport) => {
        services.log(lineOf(report), spec.options.limits.logLines);
        this.#instance.faulted(report);
      },
    });
    this.generation.hold();
  }

  /** Can take a stream with `config` now: it lives, and has the answers it asked for when it started. */
  ready(config: string): boolean {
    const context = this.generation.context(config);
    return context !== null && context.callouts.inFlight === 0 && context.grpc.inFlight === 0;
  }

  begin(id: number, config: string, facts: StreamFacts, isOpen: (map: number) => boolean): void {
    this.generation.hold();
    this.#instance.recorder.begin(id, this.#instance.configIndex(config), facts, isOpen);
  }

  end(id: number): void {
    this.#instance.recorder.end(id);
    this.generation.unhold();
  }

  flush(): void {
    this.#instance.recorder.flush();
  }

  /** Ends with its last stream, or at the deadline. */
  leave(deadlineMs: number, gone: () => void): void {
    this.generation.drain(deadlineMs, gone);
    this.generation.unhold();
  }
}
