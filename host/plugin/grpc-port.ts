// gRPC call-outs of filters, as plugin needs them; net implements this, the testing kit scripts it.
import type { HeaderList } from "../abi/headers.ts";

export interface GrpcRequest {
  readonly cluster: string;
  /** `/package.Service/Method` */
  readonly path: string;
  /** Checked: lower-case tokens, no names of the protocol's own. */
  readonly metadata: HeaderList;
  /** From now to DEADLINE_EXCEEDED; 0 = never. */
  readonly timeoutMs: number;
}

/** What a call reports, in this order: initialMetadata?, message*, trailingMetadata?, closed. */
export interface GrpcEvents {
  initialMetadata(metadata: HeaderList): void;
  /** Its own bytes. */
  message(bytes: Buffer): void;
  trailingMetadata(metadata: HeaderList): void;
  /** Once, last. `status` 0..16; `message` as bytes in latin1 text. */
  closed(status: number, message: string): void;
}

export interface GrpcCall {
  /** False, and nothing is sent: too much waits for the peer already. Not after close(). */
  send(message: Buffer): boolean;
  /** No further message comes from here. */
  close(): void;
  /** No event comes any more. */
  cancel(): void;
}

export interface GrpcPort {
  /** false when there is no such cluster. */
  hasCluster(name: string): boolean;
  /** Events never come before this returns. */
  start(request: GrpcRequest, events: GrpcEvents): GrpcCall;
}
