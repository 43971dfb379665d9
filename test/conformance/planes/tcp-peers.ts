// A TCP connection through a socket plane: a client and a server that send what a case's `connection` says.
import { connect, createServer, type Server, type Socket } from "node:net";
import type { AddressInfo } from "node:net";
import type { Case, CaseConnection } from "../case.ts";
import type { Message } from "../outcome.ts";

const NONE: CaseConnection = { fromClient: [], fromServer: [], toServer: "", toClient: "" };
const message = (parts: readonly Buffer[]): Message => ({
  status: 0,
  headers: [],
  body: Buffer.concat(parts).toString("latin1"),
  trailers: null,
});

export class TcpServer {
  readonly #server: Server = createServer({ allowHalfOpen: true }, (socket) => this.#serve(socket));
  readonly #sockets = new Set<Socket>();
  #connection = NONE;
  #got: Buffer[] = [];

  async listen(): Promise<void> {
    await new Promise<void>((ready) => this.#server.listen(0, "127.0.0.1", ready));
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get seen(): Message {
    return message(this.#got);
  }

  take({ connection = NONE }: Case): void {
    this.#connection = connection;
    this.#got = [];
  }

  /** Answers once it has got what it should get. */
  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    const { fromServer, toServer } = this.#connection;
    let got = 0;
    let answered = false;
    const answer = (): void => {
      if (answered || got < toServer.length) return;
      answered = true;
      for (const piece of fromServer) socket.write(piece, "latin1");
      socket.end();
    };
    socket.on("data", (bytes: Buffer) => {
      this.#got.push(bytes);
      got += bytes.length;
      answer();
    });
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
    answer();
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((closed) => this.#server.close(closed));
  }
}

/** Sends what the case's client sends, and resolves with what it got until the connection was closed. */
export function sendTcp(port: number, { fromClient }: CaseConnection): Promise<Message> {
  const got: Buffer[] = [];
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, allowHalfOpen: true, noDelay: true });
    for (const piece of fromClient) socket.write(piece, "latin1");
    if (fromClient.length > 0) socket.end();
    socket.on("data", (bytes: Buffer) => got.push(bytes));
    socket.on("end", () => socket.end());
    socket.on("error", () => {});
    socket.on("close", () => resolve(message(got)));
  });
}
