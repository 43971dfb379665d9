// A recorder that lives as long as a generation: when its instance dies and is renewed, the recording goes on with another
// instance. Made by data-plane/record and by the testing kit, which put it into the services of the generation they record.
import type { FaultReport } from "../plugin/services.ts";
import { Recorder, type RecorderOptions } from "./recorder.ts";

export interface RecordedInstanceOptions extends RecorderOptions {
  /** Tells its instances from all others of a recording: what `vm` begins with. */
  readonly name: string;
  /** Of its plugin contexts. */
  readonly configs: readonly string[];
  readonly logLevel: number;
  readonly worker: number;
}

export class RecordedInstance {
  readonly recorder: Recorder;
  readonly #options: RecordedInstanceOptions;
  #count = 0;

  /** To be made right before the generation it records. */
  constructor(options: RecordedInstanceOptions) {
    this.#options = options;
    this.recorder = new Recorder(options);
    this.#begin();
  }

  #begin(): void {
    const { name, configs, logLevel, worker } = this.#options;
    this.recorder.instance({ t: "vm", vm: `${name}.${++this.#count}`, configs, logLevel, worker });
  }

  /** What the generation reports. */
  faulted({ fault }: FaultReport): void {
    this.recorder.faulted(fault);
    this.#begin();
  }

  /** Which of its configurations a stream runs under. */
  configIndex(config: string): number {
    return Math.max(0, this.#options.configs.indexOf(config));
  }
}
