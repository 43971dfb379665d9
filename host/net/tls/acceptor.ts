// The server side of TLS for one listener and one configuration: takes an accepted socket, makes the handshake, hands out
// the secured socket with what is known of it. A new configuration is a new acceptor; handshakes and connections that have
// begun go on with theirs.
import { createHash, X509Certificate } from "node:crypto";
import type { Socket } from "node:net";
import type { SecureContext, Server as TlsServer, TLSSocket } from "node:tls";
import { CertificateFacts } from "../../tls/certificate.ts";
import { contextOptions, createContext } from "../../tls/context.ts";
import { type TlsFacts, tlsFacts } from "../../tls/facts.ts";
import { failureWord } from "../../tls/failure.ts";
import { nodeTls } from "../../tls/node-tls.ts";
import type { CertificateOptions, ServerTlsOptions } from "../../tls/options.ts";
import { ServerNames } from "../../tls/server-names.ts";

/** Exactly one of the two is called, later, unless the socket is destroyed by its owner. */
export interface HandshakeOwner {
  /** @param socket takes the place of the raw one, which must not be touched any more */
  secured(socket: TLSSocket, facts: TlsFacts): void;
  /** @param reason a word of tls/failure.ts; the socket is closed or about to be */
  handshakeFailed(reason: string): void;
}

/** How long a session may be taken up again, seconds. OpenSSL's own default, said here because threads must agree. */
const SESSION_SECONDS = 300;
/** Node's own timeout begins anew with every byte; ours (handshake.ts) does not, and comes first. */
const NODE_TIMEOUT_MS = 2 ** 30;

export class TlsAcceptor {
  readonly options: ServerTlsOptions;
  readonly #server: TlsServer;
  readonly #names: ServerNames;
  /** Of each entry what it may show. */
  readonly #local: readonly (readonly CertificateFacts[])[];
  readonly #waiting = new Map<Socket, HandshakeOwner>();

  /**
   * @param listener its name: sessions of one listener are not taken up on another
   * @param ticketKeys 48 bytes, the same on all data threads: a session begun on one goes on at any
   * @throws when OpenSSL does not accept what the options hold
   */
  constructor(listener: string, options: ServerTlsOptions, ticketKeys: Buffer) {
    this.options = options;
    this.#names = new ServerNames(options.certificates);
    this.#local = options.certificates.map(({ certificate, alternative }) =>
      [certificate, ...(alternative === undefined ? [] : [alternative.certificate])].map(factsOf),
    );
    const shared = sharedOptions(listener, options, ticketKeys);
    const contexts = options.certificates.map((one) => createContext(options, { ...shared, ...keyPair(one) }));
    const { mode } = options.clientCertificates;
    // Never listens: sockets are given to it (`connection` is documented for that).
    this.#server = nodeTls().createServer({
      ...shared,
      ...keyPair(options.certificates[0]),
      // These stay a connection's, whichever context its server name leads to.
      ...contextOptions(options),
      requestCert: mode !== "none",
      rejectUnauthorized: mode === "require",
      handshakeTimeout: NODE_TIMEOUT_MS,
      SNICallback: (name, done) => done(null, this.#contextOf(contexts, name)),
      ...(options.alpn.length === 0 ? {} : { ALPNProtocols: [...options.alpn] }),
    });
    this.#server.on("secureConnection", (socket) => this.#done(socket));
    this.#server.on("tlsClientError", (error, socket) => this.#failed(socket, error));
  }

  begin(socket: Socket, owner: HandshakeOwner): void {
    this.#waiting.set(socket, owner);
    // Nobody goes on from half a handshake; directions end on their own only after it.
    socket.allowHalfOpen = false;
    // A turn later: when Node itself ends the connection, it says why after this socket has closed.
    socket.once("close", () => setImmediate(() => this.#take(socket)?.handshakeFailed("disconnected")));
    this.#server.emit("connection", socket);
  }

  #contextOf(contexts: readonly SecureContext[], name: string): SecureContext | undefined {
    const at = this.#names.pick(name);
    // The server's own context has both certificates of the first entry; of a context that is named here Node would take one
    // (TLSWrap::SetSNIContext).
    return at === 0 ? undefined : contexts[at];
  }

  #take(raw: Socket | undefined): HandshakeOwner | undefined {
    const owner = raw === undefined ? undefined : this.#waiting.get(raw);
    if (raw !== undefined) this.#waiting.delete(raw);
    return owner;
  }

  #done(socket: TLSSocket): void {
    const raw = rawOf(socket);
    const owner = this.#take(raw);
    if (owner === undefined || raw === undefined) {
      socket.destroy();
      return;
    }
    const facts = tlsFacts(socket, this.#shown(socket));
    // TLS may fail and leave its socket open: an alert or a broken record after the handshake.
    socket.on("error", () => socket.destroy());
    // `optional` lets in who shows no certificate, not who shows a bad one.
    if (facts.peer !== null && !socket.authorized) {
      socket.destroy();
      owner.handshakeFailed("client_certificate_rejected");
      return;
    }
    holdLess(socket, raw.writableHighWaterMark);
    socket.allowHalfOpen = true;
    // A TLS socket has no reset of its own (it throws); what is to be reset is the connection below.
    socket.resetAndDestroy = () => {
      raw.resetAndDestroy();
      return socket;
    };
    owner.secured(socket, facts);
  }

  #shown(socket: TLSSocket): CertificateFacts | null {
    const [first, second] = this.#local[this.#names.pick(nameOf(socket))] ?? [];
    if (second === undefined) return first ?? null;
    const used = socket.getX509Certificate();
    return used !== undefined && new CertificateFacts(used).sha256 === second.sha256 ? second : (first ?? null);
  }

  #failed(socket: TLSSocket, error: Error): void {
    // Set when the certificate was there and no good: the error then only says that the connection is over.
    const rejected = socket.authorizationError !== null && socket.authorizationError !== undefined;
    this.#take(rawOf(socket))?.handshakeFailed(rejected ? "client_certificate_rejected" : failureWord(error));
  }
}

/** The socket below. Node has kept it under this name since there are TLS sockets; its types do not know it. */
const rawOf = (socket: TLSSocket): Socket | undefined => (socket as { readonly _parent?: Socket })._parent;

/** The listener's `bufferBytes`: tls.Server gives its sockets Node's default, which is the most they then hold. */
function holdLess(socket: TLSSocket, bytes: number): void {
  const { _writableState: state } = socket as { readonly _writableState?: { highWaterMark?: number } };
  if (state?.highWaterMark !== undefined) state.highWaterMark = bytes;
}

const nameOf = (socket: TLSSocket): string => {
  const { servername } = socket as { servername?: unknown };
  return typeof servername === "string" ? servername : "";
};

const factsOf = (certificate: string): CertificateFacts => new CertificateFacts(new X509Certificate(certificate));

/** OpenSSL keeps one certificate per kind of key, and shows the one that fits what the client can check. */
function keyPair(one: CertificateOptions | undefined) {
  if (one?.alternative === undefined) return { cert: one?.certificate, key: one?.privateKey };
  const { certificate, privateKey } = one.alternative;
  return { cert: [one.certificate, certificate], key: [one.privateKey, privateKey] };
}

function sharedOptions(listener: string, { clientCertificates }: ServerTlsOptions, ticketKeys: Buffer) {
  const { mode, ca, crl = [] } = clientCertificates;
  // A session must not outlive the rules by which its client was let in: other authorities, other sessions.
  const rules = createHash("sha256")
    .update(JSON.stringify([listener, mode, ca, crl]))
    .digest("hex");
  return {
    ticketKeys,
    sessionTimeout: SESSION_SECONDS,
    sessionIdContext: rules.slice(0, 32),
    ...(mode === "none" ? {} : { ca }),
    ...(mode === "none" || crl.length === 0 ? {} : { crl: [...crl] }),
  };
}
