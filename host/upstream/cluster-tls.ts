// TLS towards the endpoints of one cluster: what is asked of them, how they are checked, and the sessions that spare the
// next connection a full handshake. Used by the pool's dial, by tunnels and by gRPC sessions.
import { isIP, type Socket } from "node:net";
import { X509Certificate } from "node:crypto";
import type { ConnectionOptions, PeerCertificate, SecureContext, TLSSocket } from "node:tls";
import { CertificateFacts } from "../tls/certificate.ts";
import { createContext } from "../tls/context.ts";
import { type TlsFacts, tlsFacts } from "../tls/facts.ts";
import { nodeTls } from "../tls/node-tls.ts";
import type { ClientTlsOptions } from "../tls/options.ts";

export interface TlsTarget {
  readonly host: string;
  readonly port: number;
  /** What is offered, "" for nothing. */
  readonly alpn: string;
}

export class ClusterTls {
  readonly #options: ClientTlsOptions;
  readonly #context: SecureContext;
  readonly #own: CertificateFacts | null;
  /** By host, port and protocol: the newest session each has given us. */
  readonly #sessions = new Map<string, Buffer>();

  /** @throws when OpenSSL does not accept what the options hold */
  constructor(options: ClientTlsOptions) {
    const { ca, certificate, privateKey } = options;
    this.#options = options;
    if (ca === "" && options.verify) trustSystem();
    this.#context = createContext(options, {
      ...(ca === "" ? {} : { ca }),
      ...(certificate === "" ? {} : { cert: certificate, key: privateKey }),
    });
    this.#own = certificate === "" ? null : new CertificateFacts(new X509Certificate(certificate));
  }

  /** For tls.connect, without address. */
  connectOptions(target: TlsTarget): ConnectionOptions {
    const { verify, sni } = this.#options;
    const name = sni === "" ? target.host : sni;
    const session = this.#sessions.get(keyOf(target));
    return {
      secureContext: this.#context,
      rejectUnauthorized: verify,
      // An address is no server name (RFC 6066 3).
      servername: isIP(name) === 0 ? name : "",
      checkServerIdentity: (_, certificate) => this.#checkNames(name, certificate),
      ...(target.alpn === "" ? {} : { ALPNProtocols: [target.alpn] }),
      ...(session === undefined ? {} : { session }),
    };
  }

  /** Keeps the sessions that a new connection is given, and forgets one that has not served. */
  watch(socket: TLSSocket, target: TlsTarget): void {
    const key = keyOf(target);
    socket.on("session", (session: Buffer) => this.#sessions.set(key, session));
    socket.on("error", () => this.#sessions.delete(key));
  }

  /** TLS over a connected socket. `secureConnect` or `error`, then `close`, follow. */
  secure(raw: Socket, target: TlsTarget, bufferBytes?: number): TLSSocket {
    const options: ConnectionOptions & { highWaterMark?: number | undefined } = {
      ...this.connectOptions(target),
      socket: raw,
      highWaterMark: bufferBytes,
    };
    const socket = nodeTls().connect(options);
    this.watch(socket, target);
    // A TLS socket has no reset of its own (it throws); what is to be reset is the connection below.
    socket.resetAndDestroy = () => {
      raw.resetAndDestroy();
      return socket;
    };
    return socket;
  }

  /** Of a connection whose handshake is over. */
  facts(socket: TLSSocket): TlsFacts {
    return tlsFacts(socket, this.#own);
  }

  #checkNames(name: string, certificate: PeerCertificate): Error | undefined {
    const { verifyNames } = this.#options;
    const names = verifyNames.length === 0 ? [name] : verifyNames;
    let first: Error | undefined;
    for (const one of names) {
      const wrong = nodeTls().checkServerIdentity(one, certificate);
      if (wrong === undefined) return undefined;
      first ??= wrong;
    }
    return first;
  }
}

const keyOf = ({ host, port, alpn }: TlsTarget): string => `${host} ${port} ${alpn}`;

let trusted = false;

/**
 * Node brings authorities of its own and knows the system's only when asked. Once per thread: reading them takes some
 * milliseconds, and a context that names them all would take that again for every cluster.
 */
function trustSystem(): void {
  if (trusted) return;
  trusted = true;
  const tls = nodeTls();
  const system = tls.getCACertificates("system");
  if (system.length > 0) tls.setDefaultCACertificates(system);
}
