// GET /api/v1/events: what happens, as server-sent events. A reader that comes back names the last event it saw
// (Last-Event-ID) and gets what it missed, as far as the bounded history reaches.
import type { ServerResponse } from "node:http";
import type { SluiceEvent } from "../control/types.ts";
import type { Reply } from "./reply.ts";
import type { AdminRequest, AdminRoute } from "./route.ts";
import type { OpenStreams } from "./streams.ts";

const DEFAULT_REPLAY = 50;
const MAX_REPLAY = 1000;
/** A reader that is this far behind is cut off rather than kept in memory; it comes back with Last-Event-ID. */
const MAX_BEHIND_BYTES = 1024 * 1024;

/** One event in the wire format. */
function toSse(event: SluiceEvent): string {
  return `id: ${event.id}\nevent: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`;
}

function replayOf(request: AdminRequest): number {
  if (request.headers["last-event-id"] !== undefined) return MAX_REPLAY;
  const wanted = Number.parseInt(request.query.get("replay") ?? "", 10);
  return Number.isNaN(wanted) ? DEFAULT_REPLAY : Math.min(Math.max(0, wanted), MAX_REPLAY);
}

/** Which events this reader wants. */
function pick(request: AdminRequest): (event: SluiceEvent) => boolean {
  const types = request.query.get("type")?.split(",");
  const filter = request.query.get("filter");
  const last = Number(request.headers["last-event-id"] ?? 0) || 0;
  return (event) =>
    event.id > last &&
    (types === undefined || types.includes(event.type)) &&
    (filter === null || event.filter === filter);
}

export class EventStreams {
  readonly #streams: OpenStreams;

  constructor(streams: OpenStreams) {
    this.#streams = streams;
  }

  readonly route: AdminRoute = {
    method: "GET",
    path: "/api/v1/events",
    summary: "What happens, as server-sent events; Last-Event-ID continues",
    query: { replay: "past events first, default 50", type: "only these, by comma", filter: "only of this filter" },
    handle: (request) => this.#answer(request),
  };

  #answer(request: AdminRequest): Reply {
    const wants = pick(request);
    const stream = (response: ServerResponse): void => {
      response.write("retry: 1000\n\n");
      const send = (event: SluiceEvent): void => {
        if (wants(event)) response.write(toSse(event));
        if (response.writableLength > MAX_BEHIND_BYTES) response.destroy();
      };
      const unsubscribe = request.control.events.subscribe(send, { replay: replayOf(request) });
      this.#streams.hold(response, unsubscribe);
    };
    return { status: 200, type: "text/event-stream", body: "", stream };
  }
}
