// Whether a request that offers to change the protocol (RFC 9110 7.8) may: what it offers against what its route, or else its
// listener, allows. Pure. Called for requests with Upgrade only.

import type { ListenerOptions } from "../options.ts";

/** What Envoy calls the method that asks for a tunnel, in its list of upgrades. */
export const CONNECT = "connect";

export type Agreement =
  | { readonly kind: "ignored" }
  | { readonly kind: "refused" }
  /** @param type lower-case, as in the config */
  | { readonly kind: "agreed"; readonly type: string };

const IGNORED: Agreement = { kind: "ignored" };
const REFUSED: Agreement = { kind: "refused" };

/**
 * A client that offers one protocol can do nothing with an answer in another, so it is told no. One that offers several, or
 * h2c (which every server may pass over, and Envoy does), goes on in HTTP/1.1.
 * @param offer the value of Upgrade, or the one protocol that extended CONNECT asks for (RFC 8441 4)
 */
export function agree(offer: string, allowed: readonly string[]): Agreement {
  const offered = offer.split(",").map((one) => one.trim().toLowerCase());
  const type = offered.find((one) => one !== CONNECT && allowed.includes(one));
  if (type !== undefined) return { kind: "agreed", type };
  return offered.length === 1 && offered[0] !== "h2c" ? REFUSED : IGNORED;
}

/** Whether any request of a listener may change its protocol. */
export const offersUpgrades = ({ upgrades = [], routes }: ListenerOptions): boolean =>
  upgrades.length > 0 || routes.some((route) => (route.upgrades?.length ?? 0) > 0);
