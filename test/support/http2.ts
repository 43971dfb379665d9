// HTTP/2 for tests: a client on node:http2 that gives whole answers, and raw frames over a socket for what no client sends.
import {
  connect,
  constants,
  type ClientHttp2Session,
  type ClientHttp2Stream,
  type OutgoingHttpHeaders,
} from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { until } from "./wire.ts";

export interface H2Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: string;
  readonly trailers: Readonly<Record<string, string | string[] | undefined>>;
  /** HTTP/2 error code the stream closed with. */
  readonly code: number;
  readonly informational: readonly number[];
  /** END_STREAM came before the stream closed. */
  readonly whole: boolean;
}

export interface H2Client extends AsyncDisposable {
  readonly session: ClientHttp2Session;
  /** A whole exchange; never rejects: a stream that broke off has status 0 or `whole` false. */
  get(headers?: OutgoingHttpHeaders, body?: string | Buffer): Promise<H2Answer>;
  open(headers?: OutgoingHttpHeaders, endStream?: boolean): ClientHttp2Stream;
}

export async function h2Client(port: number, options: object = {}): Promise<H2Client> {
  const session = connect(`http://127.0.0.1:${port}`, options);
  session.on("error", () => {});
  await new Promise<void>((resolve) => session.once("connect", () => resolve()));
  const open = (headers: OutgoingHttpHeaders = {}, endStream = false): ClientHttp2Stream => {
    const stream = session.request({ ":path": "/", ":authority": "a", ...headers }, { endStream });
    stream.on("error", () => {});
    return stream;
  };
  return {
    session,
    open,
    get: (headers, body) => {
      const stream = open(headers, body === undefined);
      const answer = answerOf(stream);
      if (body !== undefined) stream.end(body);
      return answer;
    },
    async [Symbol.asyncDispose]() {
      if (session.destroyed) return;
      await new Promise<void>((resolve) => {
        session.once("close", () => resolve());
        session.destroy();
      });
    },
  };
}

export function answerOf(stream: ClientHttp2Stream): Promise<H2Answer> {
  let headers: Record<string, string | string[] | undefined> = {};
  let trailers: Record<string, string | string[] | undefined> = {};
  let body = "";
  let whole = false;
  const informational: number[] = [];
  stream.setEncoding("latin1");
  stream.on("headers", (head) => informational.push(Number(head[":status"])));
  stream.on("response", (head) => (headers = head as typeof headers));
  stream.on("trailers", (fields) => (trailers = fields as typeof trailers));
  stream.on("data", (text: string) => (body += text));
  stream.on("end", () => (whole = stream.rstCode === 0));
  stream.on("error", () => {});
  return new Promise((resolve) => {
    stream.on("close", () =>
      resolve({
        status: Number(headers[":status"] ?? 0),
        headers,
        body,
        trailers,
        code: stream.rstCode,
        informational,
        whole,
      }),
    );
  });
}

export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const;
export const END_STREAM = 1;
export const END_HEADERS = 4;

export const frame = (type: number, flags: number, stream: number, payload: Buffer = Buffer.alloc(0)): Buffer => {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
};

const u32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};

/** Literal fields without indexing and without Huffman coding (RFC 7541 6.2.2); lengths below 127. */
export const block = (fields: readonly (readonly [string, string])[]): Buffer =>
  Buffer.concat(
    fields.flatMap(([name, value]) => [
      Buffer.from([0, ...integer(name.length)]),
      Buffer.from(name, "latin1"),
      Buffer.from(integer(value.length)),
      Buffer.from(value, "latin1"),
    ]),
  );

function integer(value: number): number[] {
  if (value < 127) return [value];
  const bytes = [127];
  let rest = value - 127;
  for (; rest >= 128; rest >>>= 7) bytes.push((rest & 127) | 128);
  return [...bytes, rest];
}

export const GET_FIELDS: readonly (readonly [string, string])[] = [
  [":method", "GET"],
  [":scheme", "http"],
  [":path", "/"],
  [":authority", "a"],
];

export const PREFACE: Buffer = Buffer.concat([
  Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
  frame(FRAME.settings, 0, 0),
]);

export interface Received {
  readonly type: number;
  readonly flags: number;
  readonly stream: number;
  readonly payload: Buffer;
}

/** A client that sends exact frames and writes down what comes. */
export class RawClient {
  readonly socket: Socket;
  readonly frames: Received[] = [];
  closed = false;
  /** Acknowledges SETTINGS, since a peer may wait for it. */
  acknowledges = true;
  #rest = Buffer.alloc(0);

  constructor(port: number) {
    this.socket = connectTcp({ host: "127.0.0.1", port, noDelay: true });
    this.socket.on("error", () => {});
    this.socket.on("close", () => (this.closed = true));
    this.socket.on("data", (bytes: Buffer) => this.#take(bytes));
  }

  send(...pieces: Buffer[]): void {
    this.socket.write(Buffer.concat(pieces));
  }

  of(type: number): Received[] {
    return this.frames.filter((one) => one.type === type);
  }

  async waitFor(type: number, count = 1): Promise<Received> {
    await until(() => this.of(type).length >= count || this.closed, `frame ${type}`);
    const found = this.of(type)[count - 1];
    if (found === undefined) throw new Error(`closed without frame ${type}`);
    return found;
  }

  /** The code of GOAWAY, once the connection is closed. */
  async ended(): Promise<number> {
    await until(() => this.closed, "the connection to close");
    const last = this.of(FRAME.goaway).at(-1);
    return last === undefined ? -1 : last.payload.readUInt32BE(4);
  }

  #take(bytes: Buffer): void {
    let rest = Buffer.concat([this.#rest, bytes]);
    while (rest.length >= 9) {
      const length = rest.readUIntBE(0, 3);
      if (rest.length < 9 + length) break;
      const stream = rest.readUInt32BE(5) & 0x7fffffff;
      this.frames.push({ type: rest[3]!, flags: rest[4]!, stream, payload: rest.subarray(9, 9 + length) });
      if (this.acknowledges && rest[3] === FRAME.settings && (rest[4]! & 1) === 0)
        this.socket.write(frame(FRAME.settings, 1, 0));
      rest = rest.subarray(9 + length);
    }
    this.#rest = rest;
  }
}

export const windowUpdate = (stream: number, bytes: number): Buffer => frame(FRAME.windowUpdate, 0, stream, u32(bytes));
export const rstStream = (stream: number, code: number): Buffer => frame(FRAME.rstStream, 0, stream, u32(code));
export const ping = (): Buffer => frame(FRAME.ping, 0, 0, Buffer.alloc(8));
export const headers = (stream: number, flags = END_HEADERS | END_STREAM, fields = GET_FIELDS): Buffer =>
  frame(FRAME.headers, flags, stream, block(fields));
export const { NGHTTP2_CANCEL, NGHTTP2_ENHANCE_YOUR_CALM, NGHTTP2_PROTOCOL_ERROR, NGHTTP2_REFUSED_STREAM } = constants;
