// What is known of a TLS connection once its handshake is over: read by properties and the access log. One object per
// connection, shared by all its streams.
import type { TLSSocket } from "node:tls";
import { CertificateFacts } from "./certificate.ts";

export interface TlsFacts {
  /** "TLSv1.2", "TLSv1.3". */
  readonly version: string;
  /** OpenSSL's name. */
  readonly cipher: string;
  /** The name the client asked for; "" for none. */
  readonly serverName: string;
  /** "" when nothing was agreed on. */
  readonly alpn: string;
  /** A session went on instead of a full handshake. */
  readonly resumed: boolean;
  /** Ours, as the peer was shown it; null for none. */
  readonly local: CertificateFacts | null;
  /** Null for none. On a listener: a checked one only. */
  readonly peer: CertificateFacts | null;
}

/** @param local the certificate we showed */
export function tlsFacts(socket: TLSSocket, local: CertificateFacts | null): TlsFacts {
  const peer = socket.getPeerX509Certificate();
  const { servername, alpnProtocol } = socket as { servername?: unknown; alpnProtocol?: unknown };
  return {
    version: socket.getProtocol() ?? "",
    // Null when the peer has gone at this very moment; the types do not know that.
    cipher: (socket.getCipher() as { readonly name: string } | null)?.name ?? "",
    serverName: typeof servername === "string" ? servername : "",
    alpn: typeof alpnProtocol === "string" ? alpnProtocol : "",
    resumed: socket.isSessionReused(),
    local,
    peer: peer === undefined ? null : new CertificateFacts(peer),
  };
}
