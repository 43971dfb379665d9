// The seam between a TCP connection and the filter chain. `net/tcp` carries the bytes and implements TcpPort; `chain` runs
// the filters and implements TcpStream. Both directions are push, as with HTTP (ports.ts).
//
//   client -> TcpStream.downstreamData ... filters first to last ... -> TcpPort.forwardUpstream   -> upstream
//   client <- TcpPort.forwardDownstream <- ... filters last to first ... <- TcpStream.upstreamData <- upstream
import type { StreamFacts } from "./ports.ts";

export type TcpSide = "downstream" | "upstream";

/** What the chain needs of the connection that carries it. Implemented by `net`. Never throws. */
export interface TcpPort {
  /** requestBytes and responseBytes are the client's bytes in and out. */
  readonly facts: StreamFacts;
  /** The new connection has passed every filter: the upstream may be dialled. Called at most once. */
  connect(): void;
  /** Owned from here. `end`: no byte follows in this direction. Also called before the upstream is connected. */
  forwardUpstream(chunk: Buffer, end: boolean): void;
  forwardDownstream(chunk: Buffer, end: boolean): void;
  /** Bytes a filter writes to the client past the other filters (`sluice.reply_downstream`). */
  replyDownstream(bytes: Buffer): void;
  /** Bytes that wait for the client to read. */
  readonly pendingDownstream: number;
  /** Back-pressure from the filters: true = do not read from this side until called with false. */
  hold(side: TcpSide, hold: boolean): void;
  /** Both sides end in order after what was forwarded has been written; nothing more is read. */
  close(details: string): void;
  /** Both sides end at once. */
  reset(details: string): void;
}

/** One connection's way through the filters. Implemented by `chain`. Calls for an ended stream are ignored. */
export interface TcpStream {
  newConnection(): void;
  downstreamData(chunk: Buffer, end: boolean): void;
  upstreamData(chunk: Buffer, end: boolean): void;
  /** Once each, when that side is gone. @param by a value of abi/peer.ts: LOCAL when the proxy ended it */
  downstreamClosed(by: number): void;
  upstreamClosed(by: number): void;
  /** Both sides are gone: facts are final; on_done, on_log, on_delete run, generations are released. */
  end(): void;
}

/** The filters of one TCP listener, ready to carry connections. One per snapshot. */
export interface TcpChainTemplate {
  open(port: TcpPort): TcpStream;
}
