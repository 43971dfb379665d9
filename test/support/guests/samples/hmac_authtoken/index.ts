// Lets through who has a code over path and query, in the parameter `token`, which goes no further.
export * from "@sluice/sdk/proxy";
import { Bytes, definePlugin, Flow, HttpFilter, RequestHead } from "@sluice/sdk";
import { fromHex, hmacSha256, sameBytes } from "@sluice/sdk/crypto";
import { refuse, without } from "../forbid";
import { None } from "../none";

const SECRET = "your_secret_key";

class HmacAuthToken extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const path = request.path;
    if (!path.startsWith("/")) return refuse(this, 400, "Error parsing the :path HTTP header", ": mismatch");
    const token = request.queryParam("token");
    if (token === null) return refuse(this, 403, "Access forbidden - missing token");
    const rest = without(path, "token");
    const given = fromHex(Bytes.from(token));
    const expected = hmacSha256(Bytes.from(SECRET), Bytes.from(rest));
    if (given === null || !sameBytes(given, expected)) return refuse(this, 403, "Access forbidden - invalid token");
    request.headers.set(":path", rest);
    return Flow.Continue;
  }
}
definePlugin<None, HmacAuthToken>("hmac-authtoken");
