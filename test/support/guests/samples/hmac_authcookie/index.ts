// Lets through who has a cookie over his address and a time that has not come yet: payload and code in base64url.
export * from "@sluice/sdk/proxy";
import { Bytes, definePlugin, Flow, HttpFilter, nowNanos, RequestHead } from "@sluice/sdk";
import { fromBase64Url, hmacSha256, sameBytes, toHex } from "@sluice/sdk/crypto";
import { refuse } from "../forbid";
import { None } from "../none";

const SECRET = "your_secret_key";

/** Digits and dots, or with colons for IPv6: enough to tell an address from a placeholder. */
function isAddress(text: string): bool {
  let marks = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i) | 32;
    if (text.charCodeAt(i) == 46 || text.charCodeAt(i) == 58) marks++;
    else if (!(c >= 48 && c <= 57) && !(c >= 97 && c <= 102)) return false;
  }
  return marks >= 2;
}

/** The one before the load balancer's; "" when there is none. */
function clientAddress(forwarded: string): string {
  const list = forwarded.split(",");
  const address = list.length < 2 ? "" : list[list.length - 2].trim();
  return isAddress(address) ? address : "";
}

class HmacAuthCookie extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const client = clientAddress(request.headers.get("x-forwarded-for"));
    if (client == "") return refuse(this, 403, "Access forbidden - missing client IP");
    const cookie = request.cookie("Authorization");
    if (cookie === null) return refuse(this, 403, "Access forbidden - missing HMAC cookie");
    const parts = cookie.split(".");
    const payload = parts.length == 2 ? fromBase64Url(Bytes.from(parts[0])) : null;
    const code = parts.length == 2 ? fromBase64Url(Bytes.from(parts[1])) : null;
    if (payload === null || code === null) return refuse(this, 403, "Access forbidden - invalid HMAC cookie");
    const expected = toHex(hmacSha256(Bytes.from(SECRET), payload));
    if (!sameBytes(code, Bytes.from(expected))) return refuse(this, 403, "Access forbidden - invalid HMAC hash");
    return this.check(payload, client);
  }
  /** `address,nanoseconds since 1970`. */
  private check(payload: Bytes, client: string): Flow {
    const comma = payload.indexOfByte(44);
    if (!payload.slice(0, comma).eq(client)) return refuse(this, 403, "Access forbidden - invalid client IP");
    // Nineteen digits: one more than Bytes.parseInt takes.
    const until = U64.parseInt(payload.slice(comma + 1).toString());
    return until < nowNanos() ? refuse(this, 403, "Access forbidden - hash expired") : Flow.Continue;
  }
}
definePlugin<None, HmacAuthCookie>("hmac-authcookie");
