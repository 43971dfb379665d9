import type { CalloutPort } from "../plugin/callout-port.ts";
import type { Cluster } from "../upstream/cluster.ts";
export const createCallouts = (o: {
  cluster: (name: string) => Cluster | undefined;
  wheel: unknown;
  clock: unknown;
}): CalloutPort => ({ hasCluster: (n) => o.cluster(n) !== undefined, send: () => ({ cancel() {} }) });
