// gRPC call-outs of filters over HTTP/2: the port that plugin asks for. One per data thread.
import type { GrpcPort } from "../../plugin/grpc-port.ts";
import type { Cluster } from "../../upstream/cluster.ts";
import { Call } from "./call.ts";
import type { SessionInputs } from "../http2/client-session.ts";
import { Sessions } from "./sessions.ts";

export interface GrpcInputs extends SessionInputs {
  /** The cluster of the committed generation. */
  readonly cluster: (name: string) => Cluster | undefined;
}

export function createGrpc(inputs: GrpcInputs): GrpcPort {
  const sessions = new Sessions(inputs);
  return {
    hasCluster: (name) => inputs.cluster(name) !== undefined,
    start(request, events) {
      const call = new Call(request, events, { ...inputs, sessions });
      call.start(inputs.cluster(request.cluster));
      return call;
    },
  };
}
