// Blots out card numbers and ten-digit codes in responses, all but their last digits.
export * from "@sluice/sdk/proxy";
import { BodyView, Bytes, ChunkScanner, definePlugin, Flow, HttpFilter, RequestHead, ResponseHead } from "@sluice/sdk";
import { None } from "../none";

const CARD = "0000-0000-0000-0000";
const CODE = "0000000000";

const isDigit = (byte: i32): bool => byte >= 48 && byte <= 57;

/** Whether `pattern`, where 0 is any digit, stands at `at`. */
function holds(text: Bytes, at: i32, pattern: string): bool {
  if (at + pattern.length > text.length) return false;
  for (let i = 0; i < pattern.length; i++) {
    const wanted = pattern.charCodeAt(i);
    const byte = <i32>text[at + i];
    if (wanted == 48 ? !isDigit(byte) : byte != wanted) return false;
  }
  return true;
}

function blot(text: Bytes, keep: i32): void {
  for (let i = 0; i < text.length - keep; i++) if (isDigit(text[i])) text[i] = 88;
}

class Secrets extends ChunkScanner {
  constructor() {
    super(CARD.length);
  }
  find(text: Bytes, from: i32): i32 {
    for (let at = from; at < text.length; at++) {
      this.found = holds(text, at, CARD) ? CARD.length : holds(text, at, CODE) ? CODE.length : 0;
      if (this.found > 0) return at;
    }
    return -1;
  }
  onMatch(match: Bytes): void {
    blot(match, match.length == CARD.length ? 4 : 3);
  }
}

class CheckPii extends HttpFilter {
  private secrets: Secrets = new Secrets();
  constructor(config: None) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    // A compressed body could not be read.
    request.headers.set("accept-encoding", "identity");
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    this.header(response, "x-card-number", CARD, 4);
    this.header(response, "x-10-digit-code", CODE, 3);
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    this.secrets.scan(body);
    return Flow.Continue;
  }
  private header(response: ResponseHead, name: string, pattern: string, keep: i32): void {
    const value = response.headers.bytes(name);
    if (value === null || value.length != pattern.length || !holds(value, 0, pattern)) return;
    blot(value, keep);
    response.headers.setBytes(name, value);
  }
}
definePlugin<None, CheckPii>("check-pii");
