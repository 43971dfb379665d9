// What TLS of a listener and of a cluster is once the config has been parsed: plain frozen data with the certificates
// themselves, so that a changed file is a changed configuration and goes the way of every reload. Types only. The field
// names `privateKey` are what config/redact.ts hides.

export type TlsVersion = "TLSv1.2" | "TLSv1.3";

export interface TlsParameters {
  /** Default TLSv1.2. */
  readonly minVersion: TlsVersion;
  /** Default TLSv1.3. */
  readonly maxVersion: TlsVersion;
  /** OpenSSL's cipher string. Default {@link DEFAULT_CIPHERS} of context.ts. */
  readonly ciphers: string;
  /** The files all of it was read from, absolute: whoever watches files begins here. */
  readonly files: readonly string[];
}

export interface CertificateOptions {
  /** PEM: the leaf first, then its chain. */
  readonly certificate: string;
  /** PEM. */
  readonly privateKey: string;
  /**
   * A second certificate for the same names, with a key of another kind (RSA beside ECDSA): clients take what they know. Of
   * the first entry only.
   */
  readonly alternative?: { readonly certificate: string; readonly privateKey: string };
  /** Lower-case names and `*.name` wildcards it is for. */
  readonly serverNames: readonly string[];
}

export interface ClientCertificateOptions {
  /** `optional`: whoever shows none may come in, whoever shows one must show a good one. */
  readonly mode: "none" | "optional" | "require";
  /** PEM of the authorities; "" with mode none. */
  readonly ca: string;
  /** PEM of what the authorities have revoked; absent or empty = nothing is asked. */
  readonly crl?: readonly string[];
}

export interface ServerTlsOptions extends TlsParameters {
  /** One or more; the first is for clients that name no server, or one we do not know. */
  readonly certificates: readonly CertificateOptions[];
  readonly clientCertificates: ClientCertificateOptions;
  /** In order of preference; empty = the client's offer is not answered. */
  readonly alpn: readonly string[];
  /** From the accepted connection to the end of the handshake. Default 10 000. */
  readonly handshakeTimeoutMs: number;
}

export interface ClientTlsOptions extends TlsParameters {
  /** Server name that is asked for; "" = the endpoint's host, if that is a name. */
  readonly sni: string;
  /** PEM of the authorities; "" = those of the system. */
  readonly ca: string;
  /** PEM of the client certificate and its key; both "" for none. */
  readonly certificate: string;
  readonly privateKey: string;
  /** Chain and name are checked. Default true. */
  readonly verify: boolean;
  /** Names of which the certificate must bear one; empty = what `sni` says, else the endpoint's host. */
  readonly verifyNames: readonly string[];
}
