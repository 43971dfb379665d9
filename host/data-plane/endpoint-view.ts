// An endpoint as `sluice.endpoints` shows it to filters.
import type { EndpointView } from "../plugin/services.ts";
import type { Endpoint } from "../upstream/endpoint.ts";

/** No health check speaks against an endpoint, and times are not averaged per endpoint. */
export function endpointView({ address, load, options }: Endpoint): EndpointView {
  return { address, zone: options.zone, weight: options.weight, flags: HEALTHY, inFlight: load, ewmaMicros: 0 };
}

const HEALTHY = 1;
