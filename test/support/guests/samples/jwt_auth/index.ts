// Lets through who has a token signed with a known key, in the parameter `jwt`, which goes no further.
export * from "@sluice/sdk/proxy";
import { Bytes, definePlugin, Flow, HttpFilter, RequestHead, verifyJws } from "@sluice/sdk";
import { fromBase64Url } from "@sluice/sdk/crypto";
import { refuse, without } from "../forbid";
import { None } from "../none";

/** The public key that comes with the sample, as a JWKS. */
const KEYS =
  '{"keys":[{"kty":"RSA","e":"AQAB","n":"u1SU1LfVLPHCozMxH2Mo4lgOEePzNm0tRgeLezV6ffAt0gunVTLw7onLRnrq0_IzW7yWR7QkrmBL7jTK' +
  "En5u-qKhbwKfBstIs-bMY2Zkp18gnTxKLxoS2tFczGkPLPgizskuemMghRniWaoLcyehkd3qqGElvW_VDL5AaWTg0nLVkjRo9z-40RQzuVaE8AkAFmxZzow3" +
  "x-VJYKdjykkJ0iT9wCS0DRTXu269V264Vf_3jvredZiKRkgwlL9xNAwxXFg0x_XFw005UWVRIkdgcKWTjpBP2dPwVZ4WWC-9aGVd-Gyn1o0CLelf4rEjGoXb" +
  'AAEgAqeGUxrcIlbjXfbcmw"}]}';

function isToken(text: string): bool {
  const parts = text.split(".");
  const head = parts.length == 3 ? fromBase64Url(Bytes.from(parts[0])) : null;
  return head !== null && head.startsWith("{");
}

class JwtAuth extends HttpFilter {
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const token = request.queryParam("jwt");
    if (token === null) return refuse(this, 403, "Access forbidden - missing token");
    if (!isToken(token)) return refuse(this, 403, "Access forbidden - invalid token");
    const verdict = verifyJws(token, KEYS, "RS256");
    if (verdict === null || !verdict.valid) return refuse(this, 403, "Access forbidden");
    request.headers.set(":path", without(request.path, "jwt"));
    return Flow.Continue;
  }
}
definePlugin<None, JwtAuth>("jwt-auth");
