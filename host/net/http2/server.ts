// The HTTP/2 side of a listener: takes over sockets whose client speaks it (prior knowledge, or ALPN `h2`), and tells all of
// them when the end is near.
import type { Duplex } from "node:stream";
import type { Http2Opener, ListenerContext } from "../client-side.ts";
import type { ConnectionFacts } from "../facts.ts";
import type { OpenConnection } from "../protocol.ts";
import { Http2Connection } from "./connection.ts";

export class Http2Server implements Http2Opener {
  readonly #connections = new Set<Http2Connection>();
  #context: ListenerContext | null = null;

  /** Called once, before anything is opened. */
  serve(context: ListenerContext): void {
    this.#context = context;
  }

  open(socket: Duplex, facts: ConnectionFacts, first: Buffer | null): OpenConnection | null {
    const context = this.#context;
    const options = context?.options.http2;
    if (context === null || options === undefined) return null;
    const connection = new Http2Connection(socket, { context, options, facts, first });
    this.#connections.add(connection);
    socket.once("close", () => this.#connections.delete(connection));
    return connection;
  }

  drain(): void {
    for (const connection of this.#connections) connection.drain();
  }
}
