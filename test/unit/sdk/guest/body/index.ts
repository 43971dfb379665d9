// Bodies: one mode per configuration. `scan` blanks a word wherever chunks cut it.
export * from "@sluice/sdk/proxy";
import { BodyView, Bytes, Config, definePlugin, Flow, HttpFilter, ResponseHead, TextScanner } from "@sluice/sdk";

@config
class BodyConfig extends Config {
  @values("scan", "upper", "wrap", "replace", "drop", "wait", "keep")
  mode: string = "scan";
}

class Blank extends TextScanner {
  constructor() {
    super("secret");
  }
  onMatch(match: Bytes): void {
    for (let i = 0; i < match.length; i++) match[i] = 42;
  }
}

class Body extends HttpFilter {
  private scanner: Blank = new Blank();
  private kept: Bytes | null = null;

  constructor(private config: BodyConfig) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.willEditBody();
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    const mode = this.config.mode;
    if (mode == "wait" && !body.end) return Flow.Pause;
    if (mode == "scan") this.scanner.scan(body);
    else if (mode == "wait" || mode == "upper") upper(body);
    else if (mode == "wrap") {
      body.prependText("<");
      body.appendText(">");
    } else if (mode == "replace") body.replaceText("size " + body.size.toString() + " ü");
    else if (mode == "drop") body.drop(2);
    else this.keep(body);
    return Flow.Continue;
  }
  /** Misuse: a view kept past its callback. */
  private keep(body: BodyView): void {
    const kept = this.kept;
    if (kept) body.replace(kept);
    this.kept = body.window(0, 4);
  }
}

function upper(body: BodyView): void {
  const bytes = body.window();
  for (let i = 0; i < bytes.length; i++) if (bytes[i] >= 97 && bytes[i] <= 122) bytes[i] = bytes[i] - 32;
  body.replace(bytes);
}
definePlugin<BodyConfig, Body>("body");
