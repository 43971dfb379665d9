// What `connection` and `upstream` say of TLS (abi.md 10.1): texts, "" = not there. For the tables of peers.ts.
import type { TlsFacts } from "../../tls/facts.ts";
import type { StreamFacts } from "../ports.ts";
import { type Attributes, text } from "./read.ts";

type Text = (facts: StreamFacts) => string;

/** The set that both connections have. */
const both = (tls: (facts: StreamFacts) => TlsFacts | null | undefined): Readonly<Record<string, Text>> => ({
  tls_version: (facts) => tls(facts)?.version ?? "",
  subject_local_certificate: (facts) => tls(facts)?.local?.subject ?? "",
  subject_peer_certificate: (facts) => tls(facts)?.peer?.subject ?? "",
  dns_san_local_certificate: (facts) => tls(facts)?.local?.dnsSan ?? "",
  dns_san_peer_certificate: (facts) => tls(facts)?.peer?.dnsSan ?? "",
  uri_san_local_certificate: (facts) => tls(facts)?.local?.uriSan ?? "",
  uri_san_peer_certificate: (facts) => tls(facts)?.peer?.uriSan ?? "",
  sha256_peer_certificate_digest: (facts) => tls(facts)?.peer?.sha256 ?? "",
  peer_certificate: (facts) => tls(facts)?.peer?.pem ?? "",
});

export const DOWNSTREAM_TLS: Readonly<Record<string, Text>> = {
  ...both(({ tls }) => tls),
  requested_server_name: ({ tls }) => tls?.serverName ?? "",
};

export const UPSTREAM_TLS: Readonly<Record<string, Text>> = {
  ...both(({ upstreamTls }) => upstreamTls),
  transport_failure_reason: ({ transportFailure }) => transportFailure ?? "",
};

/** The texts as attributes. */
export const tlsAttributes = (texts: Readonly<Record<string, Text>>): Attributes =>
  Object.fromEntries(Object.entries(texts).map(([name, read]) => [name, text(({ facts }) => read(facts))]));
