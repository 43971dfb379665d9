// Raw HTTP over sockets for tests: clients that send exact bytes, upstreams that answer exact bytes, and a check that none
// of them stays open.
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { expect } from "vitest";
import { collectGarbage } from "../../host/base/collect-garbage.ts";

const open = new Set<Socket>();

function track(socket: Socket): Socket {
  open.add(socket);
  socket.once("close", () => open.delete(socket));
  socket.on("error", () => {});
  return socket;
}

/** Fails unless every socket of the test closes by itself within a second; then none is open in this process. */
export async function expectNoSockets(): Promise<void> {
  for (const socket of open) socket.destroy();
  await until(
    () => !process.getActiveResourcesInfo().some((name) => /^TCP(Socket|Server)?Wrap$/.test(name)),
    "open sockets",
  );
  expect(open.size).toBe(0);
}

/** What a proxy in miniature must have let go of when its clients are gone: streams, connections, timers. */
export interface Leavable {
  readonly listener: { readonly connections: number };
  readonly cluster: { readonly connections: number; readonly pending: number; status(): readonly { idle: number }[] };
  readonly wheel: { readonly size: number };
  metric(name: string): number;
}

/**
 * Fails unless the proxy comes to rest: no client connection, no request under way or waiting, no upstream connection but
 * idle ones, and no timer but the one that closes those.
 */
export async function expectAtRest(proxy: Leavable): Promise<void> {
  const idle = (): number => proxy.cluster.status().reduce((sum, row) => sum + row.idle, 0);
  await until(() => proxy.listener.connections === 0, "the clients to go");
  await until(() => proxy.cluster.connections === idle(), "busy upstream connections to go");
  expect(proxy.metric("sluice_http_active_requests")).toBe(0);
  expect(proxy.metric("sluice_http_downstream_cx_active")).toBe(0);
  expect(proxy.cluster.pending).toBe(0);
  await until(() => proxy.wheel.size <= (idle() > 0 ? 1 : 0), "the timers to go");
}

/** Bytes this thread holds, after a full collection. */
export function heldBytes(): number {
  collectGarbage();
  const { arrayBuffers, heapUsed } = process.memoryUsage();
  return arrayBuffers + heapUsed;
}

/** Waits, turn by turn of the event loop, until `check` holds. No sleeps: the loop does its own waiting. */
export async function until(check: () => boolean, what: string, ms = 5000): Promise<void> {
  const end = performance.now() + ms;
  while (!check()) {
    if (performance.now() > end) throw new Error(`waited in vain for: ${what}`);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

export class Client {
  readonly socket: Socket;
  text = "";
  ended = false;
  closed = false;
  reset = false;

  constructor(socket: Socket) {
    this.socket = track(socket);
    socket.setEncoding("latin1");
    socket.on("data", (text: string) => (this.text += text));
    socket.on("end", () => (this.ended = true));
    socket.on("error", () => (this.reset = true));
    socket.on("close", () => (this.closed = true));
  }

  send(text: string | Buffer): void {
    this.socket.write(text, "latin1");
  }

  async waitFor(part: string): Promise<string> {
    await until(
      () => this.text.includes(part) || this.closed,
      `"${part}" in ${JSON.stringify(this.text.slice(0, 500))}`,
    );
    expect(this.text).toContain(part);
    return this.text;
  }

  async waitForEnd(): Promise<string> {
    await until(() => this.ended || this.closed, `end after ${JSON.stringify(this.text.slice(0, 500))}`);
    return this.text;
  }
}

export async function dial(port: number, options: { allowHalfOpen?: boolean } = {}): Promise<Client> {
  const socket = connect({ host: "127.0.0.1", port, noDelay: true, allowHalfOpen: options.allowHalfOpen ?? false });
  const client = new Client(socket);
  await new Promise<void>((resolve, reject) => {
    socket.once("connect", resolve);
    socket.once("error", reject);
  });
  return client;
}

/** Sends `text` on a new connection, and gives all that comes back until the server closes. */
export async function exchange(port: number, text: string): Promise<string> {
  const client = await dial(port);
  client.send(text);
  return client.waitForEnd();
}

export interface RawUpstream extends AsyncDisposable {
  readonly port: number;
  readonly server: Server;
  /** Connections accepted so far, in order. */
  readonly connections: Client[];
  /** All bytes of all connections. */
  readonly received: () => string;
}

/** `answer` is called for every piece that arrives: with the connection, whose `text` is what it has sent and not yet cleared. */
export async function rawUpstream(answer: (peer: Client, index: number) => void): Promise<RawUpstream> {
  const connections: Client[] = [];
  let before = "";
  const server = createServer({ noDelay: true, allowHalfOpen: true }, (socket) => {
    const peer = new Client(socket);
    connections.push(peer);
    socket.on("data", (text: string) => {
      before += text;
      answer(peer, connections.length - 1);
    });
    socket.on("end", () => socket.end());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    server,
    connections,
    received: () => before,
    async [Symbol.asyncDispose]() {
      for (const { socket } of connections) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** An upstream that answers every complete head (without looking at bodies) with the same bytes. */
export const fixedUpstream = (response: string): Promise<RawUpstream> =>
  rawUpstream((peer) => {
    for (let end = peer.text.indexOf("\r\n\r\n"); end >= 0; end = peer.text.indexOf("\r\n\r\n")) {
      peer.text = peer.text.slice(end + 4);
      peer.send(response);
    }
  });

export const OK = "HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
