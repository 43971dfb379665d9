// __name__: sets one header on every request and names the filter in every response.
import { Config, Flow, HttpFilter, RequestHead, ResponseHead } from "@sluice/sdk";

@config
export class __Name__Config extends Config {
  /** Request header to set. */
  header: string = "x-__name__";
  /** Its value. */
  value: string = "on";

  override check(): string | null {
    return this.header.length ? null : "header must not be empty";
  }
}

export class __Name__ extends HttpFilter {
  constructor(private config: __Name__Config) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    request.headers.set(this.config.header, this.config.value);
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.add("x-filtered-by", "__name__");
    return Flow.Continue;
  }
}
