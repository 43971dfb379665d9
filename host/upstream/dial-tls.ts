// The wire to an endpoint of a cluster with TLS: as dialTcp, connected when the handshake is over and the peer has been
// checked.
import type { ClusterTls, TlsHow } from "./cluster-tls.ts";
import { PrefacedTls } from "./prefaced-tls.ts";
import { type Dial, READ_BLOCK } from "./transport.ts";

/** What HTTP/1.1 is called in ALPN (RFC 7301 6). */
const HTTP1 = "http/1.1";

/** Never throws; failures arrive as `closed`. */
export const dialTls =
  (cluster: ClusterTls): Dial =>
  ({ host, port, bufferBytes, preamble }, events) => {
    if (preamble !== undefined) return new PrefacedTls(cluster, { host, port, bufferBytes, preamble }, events);
    let failure: Error | null = null;
    const how: TlsHow = {
      host,
      port,
      noDelay: true,
      highWaterMark: bufferBytes,
      onread: {
        buffer: READ_BLOCK,
        callback(length: number) {
          events.received(READ_BLOCK, length);
          return true;
        },
      },
    };
    const socket = cluster.connect({ host, port, alpn: HTTP1 }, how, (facts) => events.connected(facts));
    socket.setDefaultEncoding("latin1");
    socket.on("drain", () => events.drained());
    socket.on("error", (error) => (failure = error));
    socket.on("close", () => events.closed(failure));
    return socket;
  };
