// Lets through who has a fresh code over method, path and time: `authorization: HMAC seconds:code`.
export * from "@sluice/sdk/proxy";
import { Bytes, definePlugin, Flow, HttpFilter, nowMillis, RequestHead } from "@sluice/sdk";
import { fromHex, hmacSha256, sameBytes } from "@sluice/sdk/crypto";
import { refuse } from "../forbid";
import { None } from "../none";

const SECRET = "your_secret_key";
const SCHEME = "hmac ";
/** Seconds that a code may be old. */
const FRESH: i64 = 300;

class HmacTokenValidation extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    if (!request.headers.has("authorization")) return refuse(this, 401, "Missing Authorization header");
    const given = request.headers.get("authorization");
    const colon = given.indexOf(":");
    if (!given.toLowerCase().startsWith(SCHEME) || colon < 0)
      return refuse(this, 400, "Malformed Authorization header");
    const time = given.substring(SCHEME.length, colon);
    const seconds = Bytes.from(time);
    const sent = seconds.parseInt();
    if (!seconds.ok) return refuse(this, 400, "Malformed timestamp");
    if (abs(<i64>(nowMillis() / 1000) - sent) > FRESH) return refuse(this, 403, "Token expired");
    const message = request.method + ":" + request.path + ":" + time;
    const expected = hmacSha256(Bytes.from(SECRET), Bytes.from(message));
    const code = fromHex(Bytes.from(given.substring(colon + 1)));
    return code !== null && sameBytes(code, expected) ? Flow.Continue : refuse(this, 403, "Invalid HMAC");
  }
}
definePlugin<None, HmacTokenValidation>("hmac-token-validation");
