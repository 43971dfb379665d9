// The attributes of the two connections: `source`, `destination`, `connection`, `upstream` (abi.md 10.1).
import { encodeBool, encodeInt } from "../../abi/property-path.ts";
import { absent, addressOf, type Attributes, int, text } from "./read.ts";

export const SOURCE: Attributes = {
  address: text(({ facts }) => addressOf(facts.sourceAddress, facts.sourcePort)),
  port: int(({ facts }) => facts.sourcePort),
};

export const DESTINATION: Attributes = {
  address: text(({ facts }) => addressOf(facts.destinationAddress, facts.destinationPort)),
  port: int(({ facts }) => facts.destinationPort),
};

/** Certificates and what else only TLS has; both connections are plain in this host. */
const TLS: Attributes = {
  tls_version: absent,
  subject_local_certificate: absent,
  subject_peer_certificate: absent,
  dns_san_local_certificate: absent,
  dns_san_peer_certificate: absent,
  uri_san_local_certificate: absent,
  uri_san_peer_certificate: absent,
  sha256_peer_certificate_digest: absent,
  peer_certificate: absent,
  transport_failure_reason: absent,
};

export const CONNECTION: Attributes = {
  ...TLS,
  id: int(({ facts }) => facts.connectionId),
  mtls: () => encodeBool(false),
  requested_server_name: absent,
  termination_details: absent,
};

export const UPSTREAM: Attributes = {
  ...TLS,
  address: text(({ facts }) => addressOf(facts.upstreamAddress, facts.upstreamPort)),
  port: int(({ facts }) => (facts.upstreamPort === 0 ? null : facts.upstreamPort)),
  num_endpoints: (source) => {
    const { facts, services } = source;
    const view = facts.upstreamAddress === "" ? null : services.clusters?.(facts.clusterName);
    return view ? encodeInt(view.endpoints.length) : null;
  },
  local_address: absent,
  request_attempt_count: int(({ facts }) => (facts.attempts === 0 ? null : facts.attempts)),
  cx_pool_ready_duration: absent,
  /** `region/zone/sub_zone`; endpoints have a zone only. */
  locality: text(({ facts }) => (facts.upstreamEndpoint?.zone ? `/${facts.upstreamEndpoint.zone}/` : "")),
};
