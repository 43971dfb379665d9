// __name__: lets connections through that begin with the right words, and tells the others why not.
import { BodyView, Config, Counter, Flow, Size, TcpFilter } from "@sluice/sdk";

@config
export class __Name__Config extends Config {
  /** What the first bytes of a connection must be; empty = anything. */
  preface: string = "";
  /** Most bytes a client may send; 0 = any number. */
  maxBytes: Size = Size.of("0B");
}

const refused = new Counter("connections_refused");

export class __Name__ extends TcpFilter {
  private greeted: bool = false;
  private seen: i64 = 0;

  constructor(private config: __Name__Config) {
    super();
  }
  override onDownstreamData(data: BodyView): Flow {
    if (!this.greeted) {
      const size = String.UTF8.byteLength(this.config.preface);
      // Not enough to tell yet: keep it, and look at all of it when more has come.
      if (data.size < size && !data.end) return Flow.Pause;
      this.greeted = true;
      if (!data.window(0, size).eq(this.config.preface)) return this.refuse("unknown protocol\n");
    }
    this.seen += data.size;
    const most = this.config.maxBytes.bytes;
    return most > 0 && this.seen > <i64>most ? this.refuse("too much\n") : Flow.Continue;
  }

  private refuse(why: string): Flow {
    refused.add();
    // Hosts other than sluice cannot write: there the client is told nothing.
    if (!this.writeText(why, true)) this.closeDownstream();
    return Flow.Pause;
  }
}
