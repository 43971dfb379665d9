// Steering the router: the filter decides, the host executes. All or nothing: `apply()` sends the collected fields with
// `sluice.route_set`; where that is unknown, those with an Envoy control header are set as headers (abi.md 11.2).
import { Bytes } from "./bytes";
import { Duration } from "./config/units";
import { callForeign, lacking } from "./foreign";
import { requestHead } from "./headers";
import { PairsBuilder } from "./pairs";

/** Fields of one RouteDecision; build and apply it within one callback: `new Route().cluster("blue").apply()`. */
export class Route {
  private fields: PairsBuilder = new PairsBuilder();
  private controls: string[] = [];
  private portable: bool = true;

  /** Header that carries the cluster on hosts without `sluice.route_set`: name it in Envoy's `cluster_header`. */
  static clusterHeader: string = "x-sluice-cluster";

  /** The cluster; an unknown one becomes a 503 by the router. */
  cluster(name: string): this {
    return this.field("cluster", name, Route.clusterHeader);
  }
  /** Endpoints whose metadata has this pair. *sluice*, whose router refuses it so far: `apply` answers false. */
  subset(key: string, value: string): this {
    return this.field("subset." + key, value, "");
  }
  /** One endpoint, `host:port`; `strict`: no other one if it is gone. *sluice.* */
  overrideHost(address: string, strict: bool = false): this {
    this.field("overrideHost.addr", address, "");
    return this.field("overrideHost.strict", strict ? "true" : "false", "");
  }
  /** What a hashing balancer uses; may be called again for more. *sluice*; refused so far, as `subset`. */
  hashKey(key: string): this {
    return this.field("hashKeys", key, "");
  }
  /** Time for the whole exchange, retries included. */
  timeout(time: Duration): this {
    return this.time("timeouts.route", time, "x-envoy-upstream-rq-timeout-ms");
  }
  /** Time for one try, to the head of its answer. */
  perTryTimeout(time: Duration): this {
    return this.time("timeouts.perTry", time, "x-envoy-upstream-rq-per-try-timeout-ms");
  }
  /** When to try again (`5xx,reset`: words of Envoy) and how often at most, up to 10 times. Bodies up to 64 KiB are kept. */
  retry(on: string, most: u32): this {
    this.field("retry.on", on, "x-envoy-retry-on");
    return this.field("retry.max", most.toString(), "x-envoy-max-retries");
  }
  /** A copy of the request goes to `cluster` for `percent` (0 to 100) of requests. *sluice*; refused so far, as `subset`. */
  mirror(cluster: string, percent: u32 = 100): this {
    return this.field("mirrors", cluster + "=" + percent.toString(), "");
  }
  /** The path the upstream sees. */
  pathRewrite(path: string): this {
    return this.field("pathRewrite", path, ":path");
  }
  /** The host the upstream sees. */
  hostRewrite(host: string): this {
    return this.field("hostRewrite", host, ":authority");
  }
  /** A tag for the access log and for experiments. *sluice.* */
  tag(name: string, value: string): this {
    return this.field("tags." + name, value, "");
  }
  /** Applies the fields; false when the host refuses, or lacks `route_set` and a field has no control header. */
  apply(): bool {
    const packed = this.fields.pack();
    if (callForeign("sluice.route_set", packed) !== null) return true;
    return lacking() && this.portable && this.applyHeaders();
  }

  private applyHeaders(): bool {
    const headers = requestHead().headers;
    let ok = true;
    for (let i = 0; i < this.controls.length; i += 2) ok = headers.set(this.controls[i], this.controls[i + 1]) && ok;
    callForeign("clear_route_cache", Bytes.at(0, 0));
    return ok;
  }
  private field(key: string, value: string, header: string): this {
    this.fields.add(key, value);
    return this.control(header, value);
  }
  private time(key: string, time: Duration, header: string): this {
    const ms = time.millis.toString();
    this.fields.add(key, ms + "ms");
    return this.control(header, ms);
  }
  private control(header: string, value: string): this {
    if (header == "") this.portable = false;
    this.controls.push(header);
    this.controls.push(value);
    return this;
  }
}
