// What a certificate says, in Envoy's words: subject, names, digest. Read when somebody asks, since most streams never do.
import { createHash, type X509Certificate } from "node:crypto";

/** `CN=a,O=b` of a certificate's subject: most specific part first (RFC 2253), as Envoy prints it. Node has escaped it. */
export function subjectOf(certificate: X509Certificate): string {
  const parts = (certificate.subject ?? "").split("\n").filter((part) => part !== "");
  return parts.toReversed().join(",");
}

type NameKind = "DNS" | "URI";

const NAME = /(?:^|, )([A-Za-z ]+):("(?:[^"\\]|\\.)*"|[^,]*)/g;

/** All names of a kind. Node quotes values in which a separator stands, so that none can be smuggled in. */
export function namesOf(certificate: X509Certificate, kind: NameKind): readonly string[] {
  return [...(certificate.subjectAltName ?? "").matchAll(NAME)]
    .filter(([, found]) => found === kind)
    .map(([, , value = ""]) => (value.startsWith('"') ? String(JSON.parse(value)) : value));
}

/** Lower-case hex, as Envoy's sha256_peer_certificate_digest. */
const digestOf = (certificate: X509Certificate): string => createHash("sha256").update(certificate.raw).digest("hex");

export class CertificateFacts {
  readonly #certificate: X509Certificate;
  #subject: string | null = null;

  constructor(certificate: X509Certificate) {
    this.#certificate = certificate;
  }

  get subject(): string {
    this.#subject ??= subjectOf(this.#certificate);
    return this.#subject;
  }

  /** The first of the kind, as in Envoy; "" for none. */
  get dnsSan(): string {
    return namesOf(this.#certificate, "DNS")[0] ?? "";
  }

  get uriSan(): string {
    return namesOf(this.#certificate, "URI")[0] ?? "";
  }

  get sha256(): string {
    return digestOf(this.#certificate);
  }

  /** URL-encoded PEM, as Envoy writes certificates where line breaks would hurt. */
  get pem(): string {
    return encodeURIComponent(this.#certificate.toString());
  }
}
