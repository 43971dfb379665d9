// TLS over a connection on which something was said before (a PROXY header): the socket below is connected first, then
// secured. Nobody writes before `connected`, so there is nothing to keep meanwhile.
import { type Socket, connect } from "node:net";
import type { ClusterTls } from "./cluster-tls.ts";
import type { DialTarget, Transport, TransportEvents } from "./transport.ts";

export class PrefacedTls implements Transport {
  #socket: Socket;
  #failure: Error | null = null;

  constructor(tls: ClusterTls, target: DialTarget & { readonly preamble: Buffer }, events: TransportEvents) {
    const { host, port, bufferBytes, preamble } = target;
    const raw = connect({ host, port, noDelay: true });
    this.#socket = raw;
    const gone = (): void => events.closed(this.#failure);
    raw.on("error", (error) => (this.#failure ??= error));
    raw.on("close", gone);
    raw.on("connect", () => {
      raw.off("close", gone);
      raw.write(preamble);
      const secured = tls.secure(raw, { host, port, alpn: "http/1.1" }, bufferBytes, (facts) =>
        events.connected(facts),
      );
      this.#socket = secured;
      secured.setDefaultEncoding("latin1");
      secured.on("data", (chunk: Buffer) => events.received(chunk, chunk.length));
      secured.on("drain", () => events.drained());
      secured.on("error", (error) => (this.#failure ??= error));
      secured.on("close", gone);
    });
  }

  write(data: string | Buffer): boolean {
    return this.#socket.write(data);
  }

  cork(): void {
    this.#socket.cork();
  }

  uncork(): void {
    this.#socket.uncork();
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }
}
