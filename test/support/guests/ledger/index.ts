// Counts requests in shared data, in a format that its configuration names: for tests of versions that must not read each
// other's state.
//
//   mark     begins everything it writes; it traps on what begins otherwise
export * from "@sluice/sdk/proxy";
import { Config, definePlugin, Flow, HttpFilter, RequestHead, ResponseHead, SharedData } from "@sluice/sdk";

@config
class LedgerConfig extends Config {
  mark: string = "";
}

class Ledger extends HttpFilter {
  private count: i32 = 0;

  constructor(private config: LedgerConfig) {
    super();
  }
  override onRequestHeaders(request: RequestHead): Flow {
    const mark = this.config.mark;
    const entry = SharedData.get("count");
    if (entry) {
      const text = entry.value.toString();
      if (!text.startsWith(mark)) unreachable();
      this.count = <i32>I32.parseInt(text.substring(mark.length));
    }
    this.count++;
    SharedData.setText("count", mark + this.count.toString());
    return Flow.Continue;
  }
  override onResponseHeaders(response: ResponseHead): Flow {
    response.headers.add("x-count", this.config.mark + this.count.toString());
    return Flow.Continue;
  }
}
definePlugin<LedgerConfig, Ledger>("ledger");
