// What a filter's context needs of its stream. HttpFilterStream and TcpFilterStream implement it.
import type { HeaderList } from "../abi/headers.ts";
import type { GuestReply } from "../vm/ports.ts";
import type { Side } from "./flow.ts";
import type { StreamFacts } from "./ports.ts";
import type { StreamContext } from "./stream-context.ts";

export interface ContextOwner {
  map(map: number): HeaderList | null;
  mapWritable(map: number): boolean;
  replaceMap(map: number, list: HeaderList): void;
  property(path: readonly string[], context: StreamContext): Uint8Array | null;
  reply(reply: GuestReply): void;
  resume(index: number, side: Side): void;
  reset(details: string): void;
  clearRouteCache(): void;
  /** The filter died under this stream: apply its failure policy. */
  failed(context: StreamContext): void;
  readonly facts: StreamFacts;
  /** The request's head has left the filters. */
  readonly routed: boolean;
}
