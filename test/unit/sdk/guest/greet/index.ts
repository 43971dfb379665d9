// A TCP filter that speaks first: text, then bytes with which it closes.
export * from "@sluice/sdk/proxy";
import { Bytes, Config, definePlugin, Flow, TcpFilter } from "@sluice/sdk";

class None extends Config {}

class Greet extends TcpFilter {
  constructor(config: None) {
    super();
  }
  override onNewConnection(): Flow {
    this.writeText("hello\n");
    const bye = String.UTF8.encode("bye");
    this.write(Bytes.at(changetype<usize>(bye), bye.byteLength), true);
    return Flow.Continue;
  }
}
definePlugin<None, Greet>("greet");
