// __name__: replaces a word in the bodies of text responses, wherever the chunks are cut.
import { BodyView, Config, Flow, HttpFilter, ResponseHead } from "@sluice/sdk";

@config
export class __Name__Config extends Config {
  /** What is replaced. */
  word: string = "secret";
  /** What stands there instead. */
  by: string = "***";

  override check(): string | null {
    return this.word.length ? null : "word must not be empty";
  }
}

export class __Name__ extends HttpFilter {
  private isText: bool = false;

  constructor(private config: __Name__Config) {
    super();
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    this.isText = response.headers.get("content-type").startsWith("text/");
    if (this.isText) response.willEditBody();
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    if (!this.isText) return Flow.Continue;
    // A word may be cut in two: keep the body until it is whole (the filter's bufferLimit bounds it).
    if (!body.end) return Flow.Pause;
    body.replaceText(body.text().replaceAll(this.config.word, this.config.by));
    return Flow.Continue;
  }
}
