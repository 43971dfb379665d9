// Puts advertising slots around the markers of a page; the configuration is a table, one comma-separated entry a line.
export * from "@sluice/sdk/proxy";
import { BodyView, Config, definePlugin, Flow, HttpFilter, JsonReader, RequestHead, ResponseHead } from "@sluice/sdk";

class Slot {
  constructor(
    public name: string,
    public unit: string,
    public size: string,
    public before: bool,
    public marker: string,
  ) {}

  get html(): string {
    const id = "ad-container-" + this.name;
    const define = "googletag.defineSlot('" + this.unit + "', [" + this.size.replace("x", ", ") + "], '" + id + "');";
    return '<div id="' + id + '"><script>' + define + "</script><!-- [" + this.size + "] --></div>";
  }
}

class AdConfig extends Config {
  library: string = "";
  slots: Slot[] = [];

  override read(json: JsonReader): string | null {
    const lines = json.remaining.split("\n");
    for (let i = 0; i < lines.length; i++) {
      const parts = lines[i].split(",");
      for (let p = 0; p < parts.length; p++) parts[p] = parts[p].trim();
      if (parts[0] == "gpt_url" && parts.length == 2) this.library = parts[1];
      if (parts[0] == "ad" && parts.length == 6) {
        this.slots.push(new Slot(parts[1], parts[2], parts[3], parts[4] == "true", parts[5]));
      }
    }
    return null;
  }
}

class AdInsertion extends HttpFilter {
  private isPage: bool = false;
  private isOwnRequest: bool = false;

  constructor(private config: AdConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    // What the advertising itself asks for is left alone.
    this.isOwnRequest = request.path.startsWith("/ads/");
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    this.isPage = !this.isOwnRequest && response.headers.get("content-type").startsWith("text/html");
    if (this.isPage) response.willEditBody();
    return Flow.Continue;
  }
  override onResponseBody(body: BodyView): Flow {
    if (!this.isPage) return Flow.Continue;
    if (!body.end) return Flow.Pause;
    body.replaceText(this.withLibrary(this.withSlots(body.text())));
    return Flow.Continue;
  }

  private withSlots(page: string): string {
    for (let i = 0; i < this.config.slots.length; i++) {
      const slot = this.config.slots[i];
      page = page.replace(slot.marker, slot.before ? slot.html + slot.marker : slot.marker + slot.html);
    }
    return page;
  }
  private withLibrary(page: string): string {
    const script = '<script async src="' + this.config.library + '"></script>';
    return page.includes("<head>")
      ? page.replace("<head>", "<head>" + script)
      : page.replace("<body>", script + "<body>");
  }
}
definePlugin<AdConfig, AdInsertion>("ad-insertion");
