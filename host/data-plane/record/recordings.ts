// The recordings that are open, on one data thread. While none is, listeners serve with their ordinary views and nothing here
// is called.
import type { ExchangePort } from "../../chain/ports.ts";
import type { FilterChain } from "../../chain/template.ts";
import type { RecordingMessage } from "../../link/record.ts";
import type { ListenerView } from "../../net/ports.ts";
import type { MetricRegistry } from "../../observe/metrics.ts";
import type { TappablePlan } from "../tap/taps.ts";
import { OpenRecording, type RecordingParts } from "./open-recording.ts";

export class Recordings {
  readonly #parts: RecordingParts;
  #open: readonly OpenRecording[] = [];

  constructor(parts: RecordingParts, registry: MetricRegistry) {
    this.#parts = parts;
    const help = "Recorded twin instances, of recordings and shadows";
    registry.readGauge({ name: "sluice_recorded_twins", help }, {}, () =>
      this.#open.reduce((sum, { twins }) => sum + twins, 0),
    );
  }

  get isOpen(): boolean {
    return this.#open.length > 0;
  }

  /** Those that are open from now on. */
  set(messages: readonly RecordingMessage[], drainMs: number): void {
    const known = new Map(this.#open.map((open) => [open.message.id, open]));
    const wanted = new Set(messages.map(({ id }) => id));
    for (const [id, open] of known) {
      if (wanted.has(id)) continue;
      open.flush();
      open.settle(false, drainMs);
    }
    this.#open = messages.map((message) => {
      const open = known.get(message.id) ?? new OpenRecording(message, this.#parts);
      open.message = message;
      return open;
    });
  }

  /** Other generations may run than before. */
  settle(drainMs: number): void {
    for (const open of this.#open) open.settle(true, drainMs);
  }

  #pick({ slots }: FilterChain): OpenRecording | null {
    for (const open of this.#open) if (open.picks(slots)) return open;
    return null;
  }

  /** `view` with the streams that are picked recorded. */
  watch(plan: TappablePlan, view: ListenerView): ListenerView {
    return {
      ...view,
      chainFor: (route, headers) => {
        const chain = plan.chainOf(route);
        const picked = this.#pick(chain);
        if (picked === null) return view.chainFor(route, headers);
        return { empty: false, open: (port: ExchangePort) => chain.openWatched(port, picked.watch(port.facts)) };
      },
    };
  }
}
