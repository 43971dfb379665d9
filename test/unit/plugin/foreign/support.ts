// Foreign functions called with a context made by hand: a plugin, a stream, and what they keep.
import { VirtualClock } from "../../../../host/base/clock.ts";
import type { ForeignContext, ForeignStream } from "../../../../host/plugin/foreign/context.ts";
import { callForeign } from "../../../../host/plugin/foreign/table.ts";
import { HandOver } from "../../../../host/plugin/hand-over.ts";
import type { FilterOptions } from "../../../../host/plugin/options.ts";
import { privateState } from "../../../../host/plugin/private-state.ts";
import type { PluginServices } from "../../../../host/plugin/services.ts";
import { ConnectionState, StreamNotes } from "../../../../host/plugin/stream-notes.ts";
import { DEFAULT_LIMITS } from "../../../../host/plugin/defaults.ts";
import type { ForeignResult } from "../../../../host/vm/ports.ts";

export class FakeStream implements ForeignStream {
  holdNext = false;
  author = "f@v1";
  readonly notes = new StreamNotes();
  readonly connectionState = new ConnectionState();
  clusterName = "up";
  routed = false;
  resumed: number | null = null;
  cleared = 0;
  readonly inFlight = new Map<string, bigint>();
  resumeLater(ms: number): void {
    this.resumed = ms;
  }
  clearRouteCache(): void {
    this.cleared++;
  }
}

export class Caller {
  readonly clock = new VirtualClock(Date.UTC(2030, 0, 1));
  readonly services = { ...privateState(() => {}), clock: this.clock } as unknown as PluginServices;
  readonly stream = new FakeStream();
  readonly plugin = {
    services: this.services,
    options: { vmId: "vm", bufferLimitBytes: 1000, limits: DEFAULT_LIMITS } as FilterOptions,
    declared: null,
    handOver: new HandOver(),
  };
  refusal = "";
  debugging = true;

  call(name: string, args: Buffer | string = "", stream: ForeignStream | null = this.stream): ForeignResult {
    const { plugin, refusal, debugging } = this;
    const context: ForeignContext = { plugin, stream, refusal, debugging };
    return callForeign(context, name, Buffer.from(args as string));
  }
}

/** A refusal in words. */
export const whyNot = ({ status, reason = "", subject = "" }: ForeignResult): string =>
  `${status} ${reason.replace("{}", String(subject))}`;
