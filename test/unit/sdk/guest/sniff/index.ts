// A TCP filter: waits for six bytes, then counts TLS and plain connections.
export * from "@sluice/sdk/proxy";
import { BodyView, Config, Counter, definePlugin, Flow, log, Peer, TcpFilter } from "@sluice/sdk";

const TLS_HANDSHAKE: u8 = 0x16;
const connections = new Counter("sniff_connections_total");

class None extends Config {}

class Sniff extends TcpFilter {
  private seen: bool = false;

  constructor(config: None) {
    super();
  }
  override onDownstreamData(data: BodyView): Flow {
    if (this.seen) return Flow.Continue;
    const head = data.window(0, 6);
    if (head.length < 6 && !data.end) return Flow.Pause;
    this.seen = true;
    connections.with("kind", head.length && head[0] == TLS_HANDSHAKE ? "tls" : "plain").add();
    return Flow.Continue;
  }
  override onDownstreamClose(by: Peer): void {
    log.info(by == Peer.Remote ? "client closed" : "closed");
  }
}
definePlugin<None, Sniff>("sniff");
