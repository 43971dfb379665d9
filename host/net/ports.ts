// What a listener needs from whoever composes the data plane. Declared below, provided from above (data-plane.ts).
import type { HeaderList } from "../abi/headers.ts";
import type { ChainTemplate, StreamFacts } from "../chain/ports.ts";
import type { RouteTable } from "../route/table.ts";
import type { Cluster } from "../upstream/cluster.ts";
import type { RouteOptions } from "../route/options.ts";

/** Everything one exchange needs, of one committed generation. An exchange asks once, when its head is complete. */
export interface ListenerView {
  readonly routes: RouteTable;
  /**
   * The chain of a matched route; with null, of the listener (no route matched: filters still see the request). `headers` is
   * the request's list, to be looked at only.
   */
  chainFor(route: RouteOptions | null, headers: HeaderList): ChainTemplate;
  cluster(name: string): Cluster | undefined;
  /** Called once per finished exchange, after HttpStream.end. */
  finished(
    facts: StreamFacts,
    request: { readonly method: string; readonly path: string; readonly authority: string; readonly userAgent: string },
  ): void;
}
