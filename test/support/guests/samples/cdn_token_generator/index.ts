// Signs the addresses in manifests and other texts, so that a CDN hands their targets out until a certain time.
export * from "@sluice/sdk/proxy";
import {
  BodyView,
  Bytes,
  Config,
  definePlugin,
  Flow,
  HttpFilter,
  JsonReader,
  nowMillis,
  ResponseHead,
} from "@sluice/sdk";
import { fromHex, hmacSha256, toBase64Url, toHex } from "@sluice/sdk/crypto";

class CdnConfig extends Config {
  key: ArrayBuffer = new ArrayBuffer(0);
  keyName: string = "";
  expirySeconds: u64 = 0;

  /** Lines `name: value`, as the sample has them. */
  override read(json: JsonReader): string | null {
    const lines = json.remaining.split("\n");
    for (let i = 0; i < lines.length; i++) {
      const colon = lines[i].indexOf(":");
      if (colon < 0 || lines[i].startsWith("#")) continue;
      const name = lines[i].substring(0, colon).trim();
      const value = lines[i]
        .substring(colon + 1)
        .trim()
        .replaceAll('"', "");
      if (name == "key_name") this.keyName = value;
      if (name == "expiry_seconds") this.expirySeconds = U64.parseInt(value);
      const key = name == "private_key_hex" ? fromHex(Bytes.from(value)) : null;
      if (key !== null) this.key = key.copy();
    }
    return this.key.byteLength == 0 ? "expected private_key_hex" : null;
  }
}

/** Whether a character ends an address: blanks, quotes, angle brackets. */
function endsAddress(c: i32): bool {
  return c <= 32 || c == 34 || c == 39 || c == 60 || c == 62;
}

class CdnTokenGenerator extends HttpFilter {
  constructor(private config: CdnConfig) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.willEditBody();
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    if (!body.end) return Flow.Pause;
    const text = body.text();
    const signed = this.signAll(text);
    if (signed != text) body.replaceText(signed);
    return Flow.Continue;
  }
  private signAll(text: string): string {
    let result = "";
    let from = 0;
    for (let at = text.indexOf("http", 0); at >= 0; at = text.indexOf("http", at + 4)) {
      const scheme = text.substring(at, at + 8);
      if (!scheme.startsWith("http://") && scheme != "https://") continue;
      let end = at;
      while (end < text.length && !endsAddress(text.charCodeAt(end))) end++;
      result += text.substring(from, at) + this.sign(text.substring(at, end));
      from = end;
    }
    return result + text.substring(from);
  }
  private sign(address: string): string {
    const expires = nowMillis() / 1000 + this.config.expirySeconds;
    const prefix = toBase64Url(Bytes.from(address));
    const policy = "URLPrefix=" + prefix + "~Expires=" + expires.toString() + "~KeyName=" + this.config.keyName;
    const code = toHex(hmacSha256(Bytes.over(this.config.key), Bytes.from(policy)));
    return address + (address.includes("?") ? "&" : "?") + "Edge-Cache-Token=" + policy + "~hmac=" + code;
  }
}
definePlugin<CdnConfig, CdnTokenGenerator>("cdn-token-generator");
