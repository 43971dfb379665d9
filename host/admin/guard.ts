// Who may talk to the admin API. It can load code, so a web page in the operator's browser must not reach it: Host is
// checked against DNS rebinding, Origin against cross-site requests, the token against everybody else on the network.
import { createHash, timingSafeEqual } from "node:crypto";
import type { IncomingHttpHeaders } from "node:http";
import { isIP } from "node:net";
import { hostname } from "node:os";
import { AdminRefusal } from "./reply.ts";

export interface GuardOptions {
  /** The host the API listens on. */
  readonly host: string;
  /** "" = no token. */
  readonly token: string;
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest();

/** Equal length by hashing first, so that neither content nor length of the token shows in the time taken. */
function isToken(header: string | undefined, token: string): boolean {
  const given = /^Bearer +(.+)$/i.exec(header ?? "")?.[1] ?? "";
  return timingSafeEqual(digest(given), digest(token));
}

/** `localhost:9901` -> `localhost`, `[::1]:9901` -> `::1`. */
function hostOf(header: string): string {
  const found = /^(?:\[([^\]]+)\]|([^:]*))(?::\d+)?$/.exec(header.trim());
  return (found?.[1] ?? found?.[2] ?? "").toLowerCase();
}

/** A rebinding attack needs a name of the attacker's; addresses and our own names cannot be rebound. */
function isOwnHost(header: string, own: string): boolean {
  const host = hostOf(header);
  return host === "localhost" || isIP(host) !== 0 || host === own.toLowerCase() || host === hostname().toLowerCase();
}

function isSameOrigin(origin: string, host: string): boolean {
  try {
    const url = new URL(origin);
    return /^https?:$/.test(url.protocol) && url.host === host.toLowerCase();
  } catch {
    return false;
  }
}

function checkOrigin(headers: IncomingHttpHeaders, isWrite: boolean): void {
  const { origin } = headers;
  const isForeign = origin !== undefined && !isSameOrigin(origin, headers.host ?? "");
  // Old form posts carry no Origin; browsers that send Sec-Fetch-Site say where they come from all the same.
  if (isForeign || (isWrite && headers["sec-fetch-site"] === "cross-site")) {
    throw new AdminRefusal(403, "foreign_origin", `requests from origin ${origin ?? "of another site"} are refused`, {
      problem: { hint: "the admin API answers its own pages and command line tools only" },
    });
  }
}

/** Throws {@link AdminRefusal} unless the request may go on. */
export function checkAccess(headers: IncomingHttpHeaders, isWrite: boolean, options: GuardOptions): void {
  const isKnown = options.token !== "" && isToken(headers.authorization, options.token);
  const host = headers.host ?? "";
  // Who holds the token is no rebound browser, so it may use any name that leads here.
  if (!isKnown && !isOwnHost(host, options.host)) {
    throw new AdminRefusal(403, "foreign_host", `Host "${host}" is not a name of this admin API`, {
      problem: { hint: "use localhost or the address it listens on" },
    });
  }
  checkOrigin(headers, isWrite);
  if (options.token !== "" && !isKnown) {
    throw new AdminRefusal(401, "token_needed", "a valid bearer token is needed", {
      problem: { hint: "send Authorization: Bearer <token>; the CLI takes it from SLUICE_ADMIN_TOKEN" },
      headers: { "www-authenticate": 'Bearer realm="sluice admin"' },
    });
  }
}
