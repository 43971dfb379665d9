// The gRPC connections of one data thread: at most one per endpoint, made at the first call, gone with the endpoint's cluster.
import type { Cluster } from "../../upstream/cluster.ts";
import type { Endpoint } from "../../upstream/endpoint.ts";
import { Session, type SessionInputs, type SessionOwner } from "./session.ts";

/** A call, as the end of its cluster finds it. */
export interface ClusterGuest {
  clusterClosed(): void;
}

class ClusterSessions implements SessionOwner {
  readonly calls = new Set<ClusterGuest>();
  readonly #cluster: Cluster;
  readonly #inputs: SessionInputs;
  readonly #byEndpoint = new Map<Endpoint, Session>();

  constructor(cluster: Cluster, inputs: SessionInputs) {
    this.#cluster = cluster;
    this.#inputs = inputs;
  }

  to(endpoint: Endpoint): Session {
    const session = this.#byEndpoint.get(endpoint) ?? new Session(this.#cluster, endpoint, this.#inputs, this);
    this.#byEndpoint.set(endpoint, session);
    return session;
  }

  sessionGone(session: Session): void {
    if (this.#byEndpoint.get(session.endpoint) === session) this.#byEndpoint.delete(session.endpoint);
  }

  close(): void {
    for (const call of this.calls) call.clusterClosed();
    for (const session of this.#byEndpoint.values()) session.close();
  }
}

export class Sessions {
  readonly #inputs: SessionInputs;
  readonly #byCluster = new Map<Cluster, ClusterSessions>();

  constructor(inputs: SessionInputs) {
    this.#inputs = inputs;
  }

  /** The connection for one call, with the list the call stands on while it runs; null when no endpoint can be had. */
  for(cluster: Cluster): { readonly session: Session; readonly calls: Set<ClusterGuest> } | null {
    const endpoint = cluster.choose();
    if (endpoint === null) return null;
    const sessions = this.#byCluster.get(cluster) ?? this.#begin(cluster);
    return { session: sessions.to(endpoint), calls: sessions.calls };
  }

  #begin(cluster: Cluster): ClusterSessions {
    const sessions = new ClusterSessions(cluster, this.#inputs);
    this.#byCluster.set(cluster, sessions);
    cluster.onClose(() => {
      this.#byCluster.delete(cluster);
      sessions.close();
    });
    return sessions;
  }
}
