// The part of the config schema about TLS: of listeners and of clusters.
import { Type, type TSchema } from "typebox";
import { duration, text } from "./schema-words.ts";

const optional = Type.Optional;
const object = (properties: Record<string, TSchema>, description: string): TSchema =>
  Type.Object(properties, { additionalProperties: false, description });
/** Names as ALPN carries them: 1 to 255 bytes. */
const protocols = (description: string): TSchema =>
  Type.Array(Type.String({ minLength: 1, maxLength: 255 }), { description });
const version = (description: string, byDefault: string): TSchema =>
  Type.Enum(["TLSv1.2", "TLSv1.3"], { default: byDefault, description });

const parameters = {
  minVersion: optional(version("The oldest version spoken.", "TLSv1.2")),
  maxVersion: optional(version("The newest version spoken.", "TLSv1.3")),
  ciphers: optional(
    Type.Array(Type.String(), {
      minItems: 1,
      description:
        "OpenSSL's names, best first. Default: AES-GCM and ChaCha20 with ECDHE. Without a TLS_ name, those of TLS 1.3 stay.",
    }),
  ),
};

const key = {
  keyFile: text("PEM of its private key."),
  passphrase: optional(text("Of the private key; take it from the environment: ${KEY_PASSPHRASE}.")),
  passphraseFile: optional(text("A file that holds the passphrase; a line end behind it does not count.")),
};

const certificate = object(
  {
    certFile: text("PEM: the certificate, then its chain. Relative to this file, as all paths here."),
    ...key,
    alternative: optional(
      object(
        { certFile: text("PEM: the certificate, then its chain."), ...key },
        "A second certificate for the same names, with the other kind of key: RSA beside ECDSA. Of the first entry only.",
      ),
    ),
    serverNames: optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description: "Server names (SNI) it is for, *.example.com among them. Default: those in the certificate.",
      }),
    ),
  },
  "A certificate with its key.",
);

const clientCertificates = object(
  {
    mode: optional(
      Type.Enum(["none", "optional", "require"], {
        default: "none",
        description: "Whether clients show a certificate. optional: none is fine, a bad one is not.",
      }),
    ),
    caFile: optional(text("PEM of the authorities whose certificates are good.")),
    crlFile: optional(
      text("PEM of revocation lists, one of each authority: a certificate on them, or a list out of date, is no good."),
    ),
  },
  "Certificates of clients (mTLS); filters find the identity in connection.* properties.",
);

/** `tls:` of a listener. */
export const serverTls: TSchema = object(
  {
    certificates: Type.Array(certificate, {
      minItems: 1,
      description: "Chosen by server name; the first is for everybody else.",
    }),
    clientCertificates: optional(clientCertificates),
    ...parameters,
    alpn: optional(
      protocols(
        "Protocols offered, best first. Default h2 (unless http2 is false) and http/1.1; on a tcp listener none.",
      ),
    ),
    handshakeTimeout: optional(duration("From the connection to the end of the handshake.", "10s")),
  },
  "Connections begin with a TLS handshake. Changed certificate files are picked up without a restart.",
);

/** `tls:` of a cluster. */
export const clientTls: TSchema = object(
  {
    sni: optional(text("Server name asked for. Default: the endpoint's host, if that is a name.")),
    caFile: optional(text("PEM of the authorities that endpoints are checked against. Default: the system's.")),
    certFile: optional(text("PEM of the client certificate and its chain.")),
    ...key,
    keyFile: optional(key.keyFile),
    verify: optional(Type.Boolean({ default: true, description: "Check chain, dates and name of the endpoints." })),
    verifyNames: optional(
      Type.Array(Type.String(), {
        minItems: 1,
        description: "Names of which the certificate must bear one. Default: sni, else the endpoint's host.",
      }),
    ),
    ...parameters,
  },
  "The endpoints speak TLS.",
);
