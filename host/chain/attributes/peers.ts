// The attributes of the two connections: `source`, `destination`, `connection`, `upstream` (abi.md 10.1).
import { encodeBool, encodeInt } from "../../abi/property-path.ts";
import { absent, addressOf, type Attributes, int, text } from "./read.ts";
import { DOWNSTREAM_TLS, tlsAttributes, UPSTREAM_TLS } from "./tls.ts";

export const SOURCE: Attributes = {
  address: text(({ facts }) => addressOf(facts.sourceAddress, facts.sourcePort)),
  port: int(({ facts }) => facts.sourcePort),
};

export const DESTINATION: Attributes = {
  address: text(({ facts }) => addressOf(facts.destinationAddress, facts.destinationPort)),
  port: int(({ facts }) => facts.destinationPort),
};

export const CONNECTION: Attributes = {
  ...tlsAttributes(DOWNSTREAM_TLS),
  transport_failure_reason: absent,
  id: int(({ facts }) => facts.connectionId),
  mtls: ({ facts }) => encodeBool(Boolean(facts.tls?.peer)),
  termination_details: absent,
};

export const UPSTREAM: Attributes = {
  ...tlsAttributes(UPSTREAM_TLS),
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
