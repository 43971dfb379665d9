// HTTP/2 in clear text with prior knowledge (RFC 9113 3.3) on both sides of a socket plane: a client with one connection for
// all cases, and an upstream that answers as the running case says. Node's own http2, so that the host meets a real peer.
import {
  type ClientHttp2Session,
  connect,
  constants,
  createServer,
  type Http2Session,
  type OutgoingHttpHeaders,
  type ServerHttp2Stream,
} from "node:http2";
import type { AddressInfo } from "node:net";
import type { Case, CaseResponse, Fields } from "../case.ts";
import type { Message } from "../outcome.ts";
import { hasBody, toFields, toMessage, trailerObject } from "./message.ts";
import { type CaseClient, type CaseUpstream, type Exchange, NO_PACE, type Pace, sendPieces } from "./peers.ts";

/** Node takes raw lists where its types say objects. */
const raw = (fields: Fields): OutgoingHttpHeaders => fields.flat() as unknown as OutgoingHttpHeaders;

export class Http2Client implements CaseClient {
  readonly #port: number;
  #session: ClientHttp2Session | null = null;

  constructor(port: number) {
    this.#port = port;
  }

  /** One connection, opened anew when the host has ended the last one. */
  #open(): ClientHttp2Session {
    if (this.#session !== null && !this.#session.closed && !this.#session.destroyed) return this.#session;
    this.#session = connect(`http://127.0.0.1:${this.#port}`);
    this.#session.on("error", () => {});
    return this.#session;
  }

  send(one: Case, script: Fields, pace: Pace): Exchange {
    const { method = "GET", path = "/", headers = [], chunks = [], trailers } = one.request ?? {};
    const pseudo: Fields = [
      [":method", method],
      [":scheme", "http"],
      [":authority", "test"],
      [":path", path],
    ];
    const endStream = !hasBody(one.request ?? {});
    const stream = this.#open().request(raw([...pseudo, ...lowered(headers), ...script]), {
      endStream,
      waitForTrailers: trailers !== undefined,
    });
    if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailerObject(lowered(trailers))));
    const answer = collect(stream, "response");
    if (!endStream) void sendPieces(stream, chunks, pace);
    return { answer: answer.catch(() => null), leave: () => stream.close() };
  }

  close(): void {
    this.#session?.destroy();
  }
}

export class Http2Upstream implements CaseUpstream {
  seen: Message | null = null;
  readonly #server = createServer();
  readonly #sessions = new Set<Http2Session>();
  #case: Case | null = null;
  #pace: Pace = NO_PACE;

  async listen(): Promise<void> {
    this.#server.on("session", (session) => this.#sessions.add(session));
    this.#server.on("stream", (stream, _headers, _flags, list) =>
      this.#serve(stream as ServerHttp2Stream, list as unknown as readonly string[]),
    );
    await new Promise<void>((ready) => this.#server.listen(0, "127.0.0.1", () => ready()));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  take(one: Case, pace: Pace): void {
    this.#case = one;
    this.#pace = pace;
    this.seen = null;
  }

  #serve(stream: ServerHttp2Stream, list: readonly string[]): void {
    // Told by `close`.
    stream.on("error", () => {});
    const path = list[list.indexOf(":path") + 1] ?? "";
    const script = this.#case?.callouts?.[path];
    if (script === "reset") return stream.close(constants.NGHTTP2_INTERNAL_ERROR);
    if (script === "timeout") return;
    const response = typeof script === "object" ? script : (this.#case?.response ?? {});
    const pace = script === undefined ? this.#pace : NO_PACE;
    void collect(stream, list)
      .then((message) => {
        if (typeof script !== "object") this.seen = message;
        reply(stream, response, pace);
      })
      .catch(() => stream.close());
  }

  async close(): Promise<void> {
    for (const session of this.#sessions) session.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }
}

const lowered = (fields: Fields): Fields => fields.map(([name, value]) => [name.toLowerCase(), value]);

function reply(stream: ServerHttp2Stream, response: CaseResponse, pace: Pace): void {
  const { status = 200, headers = [], chunks = [], trailers } = response;
  if (stream.destroyed) return;
  if (trailers !== undefined) stream.on("wantTrailers", () => stream.sendTrailers(trailerObject(lowered(trailers))));
  stream.respond(raw([[":status", String(status)], ...lowered(headers)]), {
    endStream: !hasBody(response),
    waitForTrailers: trailers !== undefined,
  });
  if (hasBody(response)) void sendPieces(stream, chunks, pace);
}

type AnyStream = ServerHttp2Stream | ReturnType<ClientHttp2Session["request"]>;

/** A whole message. @param head its fields, or the event that brings them */
function collect(stream: AnyStream, head: readonly string[] | "response"): Promise<Message> {
  let fields: Fields | null = head === "response" ? null : toFields(head);
  let trailers: readonly string[] = [];
  const parts: Buffer[] = [];
  if (head === "response")
    stream.on("response", (_headers: unknown, _flags: number, list: string[]) => (fields = toFields(list)));
  stream.on("trailers", (_headers: unknown, _flags: number, list: string[]) => (trailers = list));
  stream.on("data", (part: Buffer) => parts.push(part));
  return new Promise((resolve, reject) => {
    stream.on("error", reject);
    const finish = (whole: boolean): void => {
      const status = Number(fields?.find(([name]) => name === ":status")?.[1] ?? 0);
      if (fields === null || !whole) reject(new Error(`broken off with ${stream.rstCode}`));
      else resolve(toMessage(status, fields, parts, trailers));
    };
    stream.on("end", () => finish(!stream.aborted));
    stream.on("close", () => finish(false));
  });
}
