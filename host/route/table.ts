// Request head -> route: the first rule in declared order that fits. Few rules are tried one by one; many are found through
// an index by `:authority` and path that proposes candidates, of which the lowest rule number that fits fully wins. Pure.
import { type HeaderList, firstHeader } from "../abi/headers.ts";
import { matchHeaders, matchPath } from "./match.ts";
import type { RouteOptions, WeightedCluster } from "./options.ts";
import { PathTree } from "./path-tree.ts";

/** Below this a scan is faster than two tree walks (0.1 against 0.25 µs for 10 rules, performance.md 7). */
const INDEX_FROM = 12;

export class RouteTable {
  readonly #routes: readonly RouteOptions[];
  readonly #index: RouteIndex | null;

  constructor(routes: readonly RouteOptions[]) {
    this.#routes = routes;
    this.#index = routes.length < INDEX_FROM ? null : new RouteIndex(routes);
  }

  /** The first route that fits, or null. `headers` is a request head with its pseudo headers. */
  match(headers: HeaderList): RouteOptions | null {
    const path = headers[6] === ":path" ? (headers[7] as string) : (firstHeader(headers, ":path") ?? "");
    if (this.#index !== null) return this.#index.match(path, headers);
    for (const route of this.#routes) {
      if (matchPath(route.match, path) && matchHeaders(route.match.headers, headers)) return route;
    }
    return null;
  }
}

class RouteIndex {
  readonly #routes: readonly RouteOptions[];
  /** Rules that ask for one exact `:authority`, by its value. */
  readonly #byAuthority = new Map<string, PathTree>();
  readonly #anyAuthority = new PathTree();
  readonly #found: (readonly number[])[] = [];

  constructor(routes: readonly RouteOptions[]) {
    this.#routes = routes;
    routes.forEach((route, rule) => {
      const { exact, prefix } = route.match;
      const tree = this.#treeFor(route);
      if (exact === undefined) tree.add(prefix ?? "", "prefix", rule);
      else tree.add(exact, "exact", rule);
    });
  }

  match(path: string, headers: HeaderList): RouteOptions | null {
    const query = path.indexOf("?");
    const bare = query < 0 ? path : path.slice(0, query) || "/";
    const found = this.#found;
    found.length = 0;
    this.#anyAuthority.propose(bare, found);
    if (this.#byAuthority.size > 0) {
      this.#byAuthority.get(firstHeader(headers, ":authority") ?? "")?.propose(bare, found);
    }
    return this.#best(headers);
  }

  /** Rule lists ascend, so each is read only up to the best rule so far. */
  #best(headers: HeaderList): RouteOptions | null {
    let best = this.#routes.length;
    for (const rules of this.#found) {
      for (const rule of rules) {
        if (rule >= best) break;
        if (matchHeaders(this.#routes[rule]?.match.headers ?? [], headers)) best = rule;
      }
    }
    return this.#routes[best] ?? null;
  }

  #treeFor(route: RouteOptions): PathTree {
    const host = route.match.headers.find(
      (rule) => rule.name === ":authority" && rule.kind === "exact" && !rule.invert,
    );
    if (host === undefined) return this.#anyAuthority;
    let tree = this.#byAuthority.get(host.value);
    if (tree === undefined) {
      tree = new PathTree();
      this.#byAuthority.set(host.value, tree);
    }
    return tree;
  }
}

/**
 * The cluster a request goes to. `fraction` in [0, 1) chooses among the weights; the same fraction chooses the same cluster,
 * so a hash of the request id keeps retries and other hops together (governance.md 2). "" without clusters.
 */
export function pickCluster(clusters: readonly WeightedCluster[], fraction: number): string {
  if (clusters.length === 1) return clusters[0]?.cluster ?? "";
  let left = fraction * clusters.reduce((sum, entry) => sum + entry.weight, 0);
  for (const { cluster, weight } of clusters) {
    left -= weight;
    if (left < 0) return cluster;
  }
  return clusters.findLast((entry) => entry.weight > 0)?.cluster ?? "";
}
