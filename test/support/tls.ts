// What the TLS tests share: options around certificates made on the spot, clients that say how their handshake ended, and
// upstreams that speak TLS.
import { type AddressInfo, connect as connectTcp, type Socket } from "node:net";
import { once } from "node:events";
import { type ConnectionOptions, connect, createServer, type TlsOptions, type TLSSocket } from "node:tls";
import { DEFAULT_CIPHERS } from "../../host/tls/context.ts";
import type { ClientTlsOptions, ServerTlsOptions } from "../../host/tls/options.ts";
import { type Authority, type Issued, newAuthority } from "./certificates.ts";

export const authority: Authority = newAuthority();
/** For 127.0.0.1 and localhost. */
export const local: Issued = authority.issue({ name: "local", dns: ["localhost"], ip: ["127.0.0.1"] });

const PARAMETERS = { minVersion: "TLSv1.2", maxVersion: "TLSv1.3", ciphers: DEFAULT_CIPHERS, files: [] } as const;

export const serverTls = (more: Partial<ServerTlsOptions> = {}): ServerTlsOptions => ({
  ...PARAMETERS,
  certificates: [{ certificate: local.cert, privateKey: local.key, serverNames: ["localhost"] }],
  clientCertificates: { mode: "none", ca: "" },
  alpn: ["http/1.1"],
  handshakeTimeoutMs: 10_000,
  ...more,
});

export const clientTls = (more: Partial<ClientTlsOptions> = {}): ClientTlsOptions => ({
  ...PARAMETERS,
  sni: "",
  ca: authority.cert,
  certificate: "",
  privateKey: "",
  verify: true,
  verifyNames: [],
  ...more,
});

/** A connection whose handshake is over. @throws what ended the handshake */
export async function dialTls(port: number, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ host: "127.0.0.1", port, ca: authority.cert, servername: "localhost", ...more });
  await once(socket, "secureConnect");
  socket.on("error", () => {});
  return socket;
}

/** As dialTls, over a socket whose directions end on their own. */
export async function dialTlsHalfOpen(port: number, more: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connectTcp({ host: "127.0.0.1", port, allowHalfOpen: true });
  await once(socket, "connect");
  return dialTls(port, { ...more, socket });
}

/** One request with `connection: close` over a secured socket: all that comes back. */
export async function ask(socket: TLSSocket, path = "/"): Promise<string> {
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => (text += chunk));
  socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n`);
  await once(socket, "close");
  return text;
}

/** Why a handshake is refused: the code the client sees, whenever it sees it. */
export function refusal(port: number, more: ConnectionOptions = {}): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: "127.0.0.1", port, ca: authority.cert, servername: "localhost", ...more });
    socket.on("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message));
    socket.on("close", () => resolve("closed"));
    // In TLS 1.3 a client believes in its handshake before the server has seen its certificate.
    socket.resume();
  });
}

export interface TlsUpstream extends AsyncDisposable {
  readonly port: number;
  readonly sockets: readonly TLSSocket[];
  /** Handshakes that took up a session. */
  readonly resumed: () => number;
  /** Server names asked for. */
  readonly names: () => readonly (string | false)[];
}

/** @param serve every secured connection; default: answers each request head with 200 "ok" */
export async function tlsUpstream(
  options: TlsOptions = {},
  serve: (socket: TLSSocket) => void = answerOk,
): Promise<TlsUpstream> {
  const sockets: TLSSocket[] = [];
  const raws: Socket[] = [];
  const names: (string | false)[] = [];
  let resumed = 0;
  const server = createServer({ cert: local.cert, key: local.key, allowHalfOpen: true, ...options }, (socket) => {
    sockets.push(socket);
    names.push((socket as unknown as { servername: string | false }).servername);
    if (socket.isSessionReused()) resumed++;
    socket.on("error", () => {});
    serve(socket);
  });
  server.on("tlsClientError", () => {});
  server.on("connection", (socket: Socket) => raws.push(socket));
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  return {
    port: (server.address() as AddressInfo).port,
    sockets,
    resumed: () => resumed,
    names: () => names,
    async [Symbol.asyncDispose]() {
      for (const socket of [...sockets, ...raws]) socket.destroy();
      await new Promise((closed) => server.close(closed));
    },
  };
}

function answerOk(socket: TLSSocket): void {
  let text = "";
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
    while (text.includes("\r\n\r\n")) {
      text = text.slice(text.indexOf("\r\n\r\n") + 4);
      socket.write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    }
  });
  socket.on("end", () => socket.end());
}
