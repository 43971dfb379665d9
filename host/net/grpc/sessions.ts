// The gRPC connections of one data thread: at most one per endpoint, made at the first call, gone with the endpoint's cluster.
import type { Cluster } from "../../upstream/cluster.ts";
import type { Endpoint } from "../../upstream/endpoint.ts";
import { ClientSession, type SessionInputs, type SessionOwner } from "../http2/client-session.ts";

/** Apart from those of proxied requests: what a paused request has not read must not keep the answer to the call-out that
 * would let it go on from coming. */
const WINDOWS = { stream: 256 * 1024, session: 1024 * 1024 };

/** A call, as the end of its cluster finds it. */
export interface ClusterGuest {
  clusterClosed(): void;
}

class ClusterSessions implements SessionOwner {
  readonly calls = new Set<ClusterGuest>();
  readonly #cluster: Cluster;
  readonly #inputs: SessionInputs;
  readonly #byEndpoint = new Map<Endpoint, ClientSession>();

  constructor(cluster: Cluster, inputs: SessionInputs) {
    this.#cluster = cluster;
    this.#inputs = inputs;
  }

  to(endpoint: Endpoint): ClientSession {
    const session = this.#byEndpoint.get(endpoint) ?? this.#open(endpoint);
    this.#byEndpoint.set(endpoint, session);
    return session;
  }

  #open(endpoint: Endpoint): ClientSession {
    return new ClientSession({ cluster: this.#cluster, endpoint, windows: WINDOWS }, this.#inputs, this);
  }

  sessionOpened(): void {}

  /** Calls open their streams without waiting. */
  awaits(): boolean {
    return false;
  }

  sessionGone(session: ClientSession): void {
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
  for(cluster: Cluster): { readonly session: ClientSession; readonly calls: Set<ClusterGuest> } | null {
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
