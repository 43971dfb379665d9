// TLS towards the endpoints of one cluster: what is asked of them, how they are checked, and the sessions that spare the
// next connection a full handshake. Used by the pool's dial, by tunnels and by gRPC sessions.
import { X509Certificate } from "node:crypto";
import { isIP, type Socket } from "node:net";
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

interface Known {
  readonly session: Buffer;
  /** Whom the session was made with: a handshake that takes it up shows no certificate. */
  readonly peer: CertificateFacts | null;
}

export class ClusterTls {
  readonly #options: ClientTlsOptions;
  readonly #context: SecureContext;
  readonly #own: CertificateFacts | null;
  /** By host, port and protocol: the newest session each has given us. */
  readonly #sessions = new Map<string, Known>();

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

  /**
   * A connection to `target`. `secureConnect` (the peer has been checked) or `error`, then `close`, follow.
   * @param how of tls.connect: address, or the connected socket below, and sizes
   * @param done with `secureConnect`
   */
  connect(target: TlsTarget, how: TlsHow, done: (facts: TlsFacts) => void): TLSSocket {
    const key = `${target.host} ${target.port} ${target.alpn}`;
    const known = this.#sessions.get(key);
    const socket = nodeTls().connect({ ...how, ...this.#connectOptions(target, known) });
    let facts: TlsFacts | null = null;
    let early: Buffer | null = null;
    const keep = (session: Buffer): void => void this.#sessions.set(key, { session, peer: facts?.peer ?? null });
    socket.on("session", (session: Buffer) => {
      // Never one of a peer that is still to be checked: Node does not check whoever takes up a session.
      if (facts === null) early = session;
      else keep(session);
    });
    socket.on("secureConnect", () => {
      const found = tlsFacts(socket, this.#own);
      facts = { ...found, peer: found.peer ?? (found.resumed ? (known?.peer ?? null) : null) };
      if (early !== null) keep(early);
      done(facts);
    });
    socket.on("error", () => {
      this.#sessions.delete(key);
      // TLS may fail and leave its socket open: an alert or a broken record after the handshake.
      socket.destroy();
    });
    return socket;
  }

  /** As `connect`, over a connected socket, so that the one below can be reset. */
  secure(raw: Socket, target: TlsTarget, bufferBytes: number, done: (facts: TlsFacts) => void): TLSSocket {
    const socket = this.connect(target, { socket: raw, highWaterMark: bufferBytes }, done);
    // A TLS socket has no reset of its own (it throws).
    socket.resetAndDestroy = () => {
      raw.resetAndDestroy();
      return socket;
    };
    return socket;
  }

  #connectOptions({ host, alpn }: TlsTarget, known: Known | undefined): ConnectionOptions {
    const { verify, sni } = this.#options;
    const name = sni === "" ? host : sni;
    return {
      secureContext: this.#context,
      rejectUnauthorized: verify,
      // An address is no server name (RFC 6066 3).
      servername: isIP(name) === 0 ? name : "",
      checkServerIdentity: (_, certificate) => this.#checkNames(name, certificate),
      ...(alpn === "" ? {} : { ALPNProtocols: [alpn] }),
      ...(known === undefined ? {} : { session: known.session }),
    };
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

/** What goes through to tls.connect and its socket; Node's types do not know all of it. */
export type TlsHow = ConnectionOptions & Readonly<Record<string, unknown>>;

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
