// HTTP/1.1 on both sides of a socket plane: a client with one kept connection, and an upstream that answers as the running
// case says. Node's own http, so that the host meets a peer it did not write.
import { Agent, createServer, request, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Case, CaseResponse, Fields } from "../case.ts";
import type { Message } from "../outcome.ts";
import { hasBody, toFields, toMessage } from "./message.ts";
import { type CaseClient, type CaseUpstream, type Exchange, NO_PACE, type Pace, sendPieces } from "./peers.ts";

export class Http1Client implements CaseClient {
  readonly #port: number;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 1 });

  constructor(port: number) {
    this.#port = port;
  }

  send(one: Case, script: Fields, pace: Pace): Exchange {
    const { method = "GET", path = "/", headers = [], chunks = [], trailers } = one.request ?? {};
    const list = ["host", "test", ...headers.flat(), ...script.flat()];
    const hasLength = headers.some(([name]) => name === "content-length");
    if (hasBody(one.request ?? {}) && !hasLength) list.push("transfer-encoding", "chunked");
    if (!hasBody(one.request ?? {}) && method !== "GET") list.push("content-length", "0");
    const outgoing = request({
      host: "127.0.0.1",
      port: this.#port,
      method,
      path,
      headers: list,
      agent: this.#agent,
    });
    const answer = new Promise<Message | null>((resolve) => {
      outgoing.on("response", (incoming) => void collect(incoming).then(resolve, () => resolve(null)));
      outgoing.on("error", () => resolve(null));
    });
    if (trailers !== undefined) outgoing.addTrailers(trailers as [string, string][]);
    void sendPieces(outgoing, chunks, pace);
    return { answer, leave: () => (outgoing.socket === null ? outgoing.destroy() : outgoing.socket.resetAndDestroy()) };
  }

  close(): void {
    this.#agent.destroy();
  }
}

export class Http1Upstream implements CaseUpstream {
  seen: Message | null = null;
  readonly #server = createServer((incoming, answer) => this.#serve(incoming, answer));
  #case: Case | null = null;
  #pace: Pace = NO_PACE;

  async listen(): Promise<void> {
    this.#server.keepAliveTimeout = 60_000;
    await new Promise<void>((ready) => this.#server.listen(0, "127.0.0.1", ready));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  take(one: Case, pace: Pace): void {
    this.#case = one;
    this.#pace = pace;
    this.seen = null;
  }

  #serve(incoming: IncomingMessage, answer: ServerResponse): void {
    const script = this.#case?.callouts?.[incoming.url ?? ""];
    if (script === "reset") return void incoming.socket.destroy();
    if (script === "timeout") return;
    const response = typeof script === "object" ? script : (this.#case?.response ?? {});
    const pace = script === undefined ? this.#pace : NO_PACE;
    void collect(incoming)
      .then((message) => {
        if (typeof script !== "object") this.seen = message;
        reply(answer, response, pace);
      })
      .catch(() => answer.destroy());
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((closed) => this.#server.close(closed));
  }
}

function reply(answer: ServerResponse, response: CaseResponse, pace: Pace): void {
  const { status = 200, headers = [], chunks = [], trailers } = response;
  const list = headers.flat();
  if (trailers !== undefined) list.push("trailer", trailers[0]?.[0] ?? "");
  // Else Node sends an empty body in chunks, whose end comes after the head.
  if (!hasBody(response) && !headers.some(([name]) => name === "content-length")) list.push("content-length", "0");
  answer.writeHead(status, list);
  if (trailers !== undefined) answer.addTrailers(trailers as [string, string][]);
  void sendPieces(answer, chunks, pace);
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
  const fields = [...pseudo, ...toFields(incoming.rawHeaders)];
  return toMessage(incoming.statusCode ?? 0, fields, parts, incoming.rawTrailers);
}
