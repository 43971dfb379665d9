// GET /api/v1/tap: sampled requests of the running proxy as server-sent events, for as long as the connection lasts. A reader
// that does not keep up loses records and is told how many; it is never waited for.
import type { ServerResponse } from "node:http";
import type { TapEvent } from "../control/types.ts";
import type { Reply } from "./reply.ts";
import type { AdminRequest, AdminRoute } from "./route.ts";
import type { OpenStreams } from "./streams.ts";
import { parseTap } from "./tap-query.ts";
import { TAP_SCHEMA } from "./tap-schema.ts";

/** Held for one reader, bytes. */
const MAX_BEHIND_BYTES = 1024 * 1024;

export class TapStreams {
  readonly #streams: OpenStreams;

  constructor(streams: OpenStreams) {
    this.#streams = streams;
  }

  readonly route: AdminRoute = {
    method: "GET",
    path: "/api/v1/tap",
    summary: "Sampled requests and what filters did to them, as server-sent events: sampling, request, lost",
    query: {
      filter: "requests that meet this filter, and only its part",
      route: "requests of this route",
      status: "answers of these classes or numbers, by comma: 5xx,404",
      match: "repeated: name=value, value* = its beginning; name is method, path, host, listener or a header",
      rate: "requests followed per second and data thread, default 10",
      trace: "true: host calls in words; the requests run on traced twins of their filters",
    },
    answers: { type: "text/event-stream", description: "Each event's data is one of these", schema: TAP_SCHEMA },
    handle: (request) => this.#answer(request),
  };

  #answer({ control, query, isHead }: AdminRequest): Reply {
    const selection = parseTap(query, control.config);
    const reply = { status: 200, type: "text/event-stream", body: "", audited: !isHead };
    if (isHead) return reply;
    // Opened before the head goes out, so that a refusal is an answer; what comes at once finds the stream ready.
    const reader = new TapReader();
    const close = control.tap(selection, (event) => reader.hear(event));
    return {
      ...reply,
      stream: (response) => {
        reader.begin(response);
        this.#streams.hold(response, close);
      },
    };
  }
}

class TapReader {
  #response: ServerResponse | null = null;
  #lost = 0;

  begin(response: ServerResponse): void {
    this.#response = response;
    response.write(": tap\n\n");
    response.on("drain", () => this.#sayLost());
  }

  hear(event: TapEvent): void {
    const behind = this.#response?.writableLength ?? Infinity;
    if (event.type === "lost") this.#lost += event.count;
    else if (event.type === "request" && behind > MAX_BEHIND_BYTES) this.#lost++;
    else this.#send(event);
    if (behind <= MAX_BEHIND_BYTES) this.#sayLost();
  }

  #sayLost(): void {
    if (this.#lost === 0) return;
    const count = this.#lost;
    this.#lost = 0;
    this.#send({ type: "lost", count });
  }

  #send(event: TapEvent): void {
    this.#response?.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`);
  }
}
