// The worker plane: cases through a whole sluice with a data thread, over HTTP/1.1 on both sides. One proxy per guest
// serves all cases one after another; scripts come in the header `x-script`, reports come back as log events.
import { Agent, request as httpRequest, type IncomingMessage, type ServerResponse } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { startProxy, type TestProxy } from "../../support/sluice.ts";
import type { Case, CaseResponse, Fields, GuestName } from "../case.ts";
import type { Message, Outcome } from "../outcome.ts";
import { parseReport, type ReportedCallback } from "../report.ts";
import { scriptText } from "../script.ts";

/** The longest a report may take, ms. */
const PATIENCE_MS = 3000;

/** Runs cases one at a time. Close it. */
export class WorkerPlane {
  readonly #proxy: TestProxy;
  readonly #upstream: CaseUpstream;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });
  readonly #last: ReportedCallback["callback"];
  #reports: ReportedCallback[] = [];
  #logs: [number, string][] = [];
  #faults: string[] = [];
  #arrived: () => void = () => {};

  private constructor(proxy: TestProxy, upstream: CaseUpstream, guest: GuestName) {
    this.#proxy = proxy;
    this.#upstream = upstream;
    // The SDK keeps on_delete to itself.
    this.#last = guest === "as" ? "done" : "delete";
    proxy.control.events.subscribe((event) => {
      if (event.type === "fault") this.#faults.push(event.text);
      if (event.type === "log") this.#logged(event.data ?? {});
    });
  }

  static async start(guest: GuestName, wasm: Uint8Array): Promise<WorkerPlane> {
    const upstream = new CaseUpstream();
    const proxy = await startProxy({
      chain: ["first"],
      files: { "first.wasm": wasm },
      workers: 1,
      config: {
        filters: [{ name: "first", source: "./first.wasm" }],
        telemetry: { log: { level: "trace" } },
      },
      upstream: (incoming, answer) => upstream.serve(incoming, answer),
    });
    return new WorkerPlane(proxy, upstream, guest);
  }

  #logged(data: Readonly<Record<string, unknown>>): void {
    const message = String(data["message"] ?? "");
    const report = parseReport(message);
    if (report === null) this.#logs.push([Number(data["level"]), message]);
    else this.#reports.push(report);
    this.#arrived();
  }

  async run(one: Case): Promise<Outcome> {
    this.#reports = [];
    this.#logs = [];
    this.#faults = [];
    this.#upstream.take(one);
    const response = await this.#send(one);
    await this.#until(() => this.#isOver(one));
    return {
      reports: [this.#reports],
      upstream: this.#upstream.seen,
      response,
      details: null,
      faults: this.#faults,
      refused: null,
      logs: this.#logs,
    };
  }

  #isOver({ until }: Case): boolean {
    const ran = (name: string): boolean => this.#reports.some(({ callback }) => callback === name);
    return ran(this.#last) && (until === undefined || ran(until));
  }

  async #until(done: () => boolean): Promise<void> {
    const late = sleep(PATIENCE_MS, "late", { ref: false });
    while (!done()) {
      const next = new Promise<string>((resolve) => {
        this.#arrived = () => resolve("arrived");
      });
      if ((await Promise.race([next, late])) === "late") return;
    }
  }

  #send(one: Case): Promise<Message | null> {
    const { method = "GET", path = "/", headers = [], chunks = [], trailers } = one.request ?? {};
    const list = ["host", "test", ...headers.flat(), "x-script", scriptText(one.script)];
    const hasBody = chunks.length > 0 || trailers !== undefined;
    const hasLength = headers.some(([name]) => name === "content-length");
    if (hasBody && !hasLength) list.push("transfer-encoding", "chunked");
    if (!hasBody && method !== "GET") list.push("content-length", "0");
    return new Promise((resolve) => {
      const outgoing = httpRequest({
        host: "127.0.0.1",
        port: this.#proxy.port,
        method,
        path,
        headers: list,
        agent: this.#agent,
      });
      outgoing.on("response", (incoming) => void collect(incoming).then(resolve, () => resolve(null)));
      outgoing.on("error", () => resolve(null));
      for (const chunk of chunks) outgoing.write(chunk, "latin1");
      if (trailers !== undefined) outgoing.addTrailers(trailers as [string, string][]);
      outgoing.end();
    });
  }

  async close(): Promise<void> {
    this.#agent.destroy();
    await this.#proxy.stop();
  }
}

/** Answers as the running case says, and keeps what it got. */
class CaseUpstream {
  seen: Message | null = null;
  #case: Case | null = null;

  take(one: Case): void {
    this.#case = one;
    this.seen = null;
  }

  serve(incoming: IncomingMessage, answer: ServerResponse): void {
    const script = this.#case?.callouts?.[incoming.url ?? ""];
    const isCallout = script !== undefined && incoming.headers["x-request-kind"] === undefined;
    void collect(incoming)
      .then((message) => {
        if (!isCallout) this.seen = message;
        reply(answer, isCallout && typeof script !== "string" ? script : (this.#case?.response ?? {}));
      })
      .catch(() => answer.destroy());
  }
}

function reply(answer: ServerResponse, { status = 200, headers = [], chunks = [], trailers }: CaseResponse): void {
  answer.writeHead(status, [...headers.flat(), ...(trailers === undefined ? [] : ["trailer", trailers[0]?.[0] ?? ""])]);
  for (const chunk of chunks) answer.write(chunk, "latin1");
  if (trailers !== undefined) answer.addTrailers(trailers as [string, string][]);
  answer.end();
}

async function collect(incoming: IncomingMessage): Promise<Message> {
  const parts: Buffer[] = [];
  for await (const part of incoming) parts.push(part as Buffer);
  const pseudo: Fields =
    incoming.method === undefined || incoming.method === null
      ? []
      : [
          [":method", incoming.method],
          [":path", incoming.url ?? ""],
        ];
  return {
    status: incoming.statusCode ?? 0,
    headers: [...pseudo, ...toFields(incoming.rawHeaders)],
    body: Buffer.concat(parts).toString("latin1"),
    trailers: incoming.rawTrailers.length === 0 ? null : toFields(incoming.rawTrailers),
  };
}

const toFields = (list: readonly string[]): Fields =>
  list.flatMap((name, at) => (at % 2 === 0 ? [[name.toLowerCase(), list[at + 1] ?? ""] as const] : []));
