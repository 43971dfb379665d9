// What only the whole config can tell: names used twice, names that nothing defines, ports wanted twice, parts that
// nothing reaches. Problems refuse the config; warnings do so only under --strict.
import { type Address, clashes, isLoopback } from "./address.ts";
import type { ProxyConfig } from "./options.ts";
import type { Reader } from "./reader.ts";
import { suggestion } from "./suggest.ts";

type Names = readonly string[];

function checkDuplicates(list: Reader, kind: string): void {
  const seen = new Set<string>();
  for (const item of list.items) {
    const name = item.get("name").text();
    if (name !== "" && seen.has(name)) {
      item.get("name").problem("duplicate_name", `there is already a ${kind} named "${name}"`, {
        hint: "names must be unique among their kind",
      });
    }
    seen.add(name);
  }
}

function checkKnown(reader: Reader, kind: string, known: Names, at: "key" | "value" = "value"): void {
  const name = at === "key" ? String(reader.path.at(-1)) : reader.text();
  if (name === "" || known.includes(name)) return;
  reader.problem(`unknown_${kind}`, `no ${kind} is named "${name}"`, { at, hint: suggestion(name, known) });
}

function checkRoute(route: Reader, clusters: Names, filters: Names): void {
  checkKnown(route.get("route").get("cluster"), "cluster", clusters);
  for (const one of route.get("route").get("weightedClusters").items) {
    checkKnown(one.get("cluster"), "cluster", clusters);
  }
  const changes = route.get("filters");
  for (const key of ["add", "disable"]) {
    for (const item of changes.get(key).items) checkKnown(item, "filter", filters);
  }
  for (const [, patch] of changes.get("override").entries) checkKnown(patch, "filter", filters, "key");
}

/** A request changes its protocol in HTTP/1.1; towards HTTP/2 it would have to be asked for otherwise (RFC 8441). */
function checkUpgrades(listener: Reader, config: ProxyConfig): void {
  const http2 = new Set(config.clusters.filter((one) => one.http2 !== undefined).map((one) => one.name));
  for (const route of listener.get("routes").items) {
    const upgrades = [route.get("upgrades"), listener.get("upgrades")].find((one) => one.isPresent);
    if (upgrades === undefined || upgrades.items.length === 0) continue;
    const forward = route.get("route");
    for (const at of [forward, ...forward.get("weightedClusters").items].map((one) => one.get("cluster"))) {
      if (!http2.has(at.text())) continue;
      at.problem("upgrade_over_http2", `cluster "${at.text()}" speaks HTTP/2, over which upgrades are not carried`, {
        hint: "give the route a cluster without http2, or upgrades: []",
      });
    }
  }
}

function checkListener(listener: Reader, clusters: Names, filters: Names): void {
  const seen = new Set<string>();
  for (const item of listener.get("filters").items) {
    checkKnown(item, "filter", filters);
    if (seen.has(item.text())) item.problem("duplicate_name", `"${item.text()}" is in the chain twice`);
    seen.add(item.text());
  }
  checkKnown(listener.get("tcp").get("cluster"), "cluster", clusters);
  checkDuplicates(listener.get("routes"), "route");
  for (const route of listener.get("routes").items) checkRoute(route, clusters, filters);
}

function checkExperiments(root: Reader, filters: Names): void {
  const taken = new Map<string, string>();
  for (const experiment of root.get("experiments").items) {
    const filter = experiment.get("filter");
    const other = taken.get(filter.text());
    checkKnown(filter, "filter", filters);
    checkDuplicates(experiment.get("variants"), "variant");
    if (other !== undefined) {
      filter.problem("filter_taken", `"${filter.text()}" is already under experiment "${other}"`, {
        hint: "one experiment per filter at a time",
      });
    }
    taken.set(filter.text(), experiment.get("name").text());
  }
}

/** Two experiments of one layer whose parts overlap would share users, which is what a layer rules out. */
function checkLayers(root: Reader, config: ProxyConfig): void {
  root.get("experiments").items.forEach((reader, at) => {
    const mine = config.experiments[at];
    const layer = mine?.layer ?? null;
    if (layer === null) return;
    const other = config.experiments
      .slice(0, at)
      .find((one) => one.layer?.name === layer.name && one.layer.from < layer.to && layer.from < one.layer.to);
    if (other === undefined) return;
    reader.get("layer").problem("layer_overlap", `experiment "${other.name}" has users of layer "${layer.name}" too`, {
      hint: "give each its part: layer: { name: limits, range: [0, 0.5] }",
    });
  });
}

function checkPorts(root: Reader, config: ProxyConfig): void {
  const taken: { readonly address: Address; readonly who: string }[] = [];
  if (config.admin !== null) taken.push({ address: config.admin, who: "the admin API" });
  for (const [at, reader] of root.get("listeners").items.entries()) {
    const listener = config.listeners[at];
    if (listener === undefined) continue;
    const other = taken.find((one) => clashes(one.address, listener));
    if (other !== undefined) {
      reader.get("address").problem("port_taken", `port ${listener.port} is already used by ${other.who}`);
    }
    taken.push({ address: listener, who: `listener "${listener.name}"` });
  }
}

function checkAdmin(root: Reader, config: ProxyConfig): void {
  if (config.admin === null || isLoopback(config.admin.host) || config.admin.token !== "") return;
  root.get("admin").get("address").problem("missing_token", "off loopback the admin API needs a token", {
    hint: "add token: ${SLUICE_ADMIN_TOKEN}, or listen on 127.0.0.1",
  });
}

/** Reports everything in `config` that does not fit together. `root` reads the same file. */
export function checkReferences(root: Reader, config: ProxyConfig): void {
  const clusters = config.clusters.map((cluster) => cluster.name);
  const filters = config.filters.map((filter) => filter.name);
  for (const kind of ["listener", "cluster", "filter", "experiment"]) checkDuplicates(root.get(`${kind}s`), kind);
  for (const listener of root.get("listeners").items) {
    checkListener(listener, clusters, filters);
    checkUpgrades(listener, config);
  }
  for (const filter of root.get("filters").items) {
    for (const item of filter.get("allowedUpstreams").items) checkKnown(item, "cluster", clusters);
  }
  checkExperiments(root, filters);
  checkLayers(root, config);
  checkPorts(root, config);
  checkAdmin(root, config);
}

function warnUnreachable(routes: Reader): void {
  const open: { readonly prefix: string; readonly name: string }[] = [];
  for (const route of routes.items) {
    const match = route.get("match");
    const prefix = match.get("prefix").text();
    const path = prefix === "" ? match.get("exact").text() : prefix;
    const over = open.find((one) => path.startsWith(one.prefix));
    if (over !== undefined) {
      match.problem("unreachable_route", `route "${over.name}" above takes every request this one matches`, {
        hint: "move it up",
      });
    }
    const hasHeaders = match.get("headers").entries.length > 0;
    if (prefix !== "" && !hasHeaders) open.push({ prefix, name: route.get("name").text() });
  }
}

function usedClusters(config: ProxyConfig): Set<string> {
  const actions = config.listeners.flatMap((listener) => listener.routes.map((route) => route.action));
  const routed = actions.flatMap((action) => (action.kind === "forward" ? action.clusters : []));
  const called = config.filters.flatMap((filter) => filter.allowedUpstreams ?? []);
  const carried = config.listeners.flatMap(({ tcp }) => (tcp === undefined ? [] : [tcp.cluster]));
  return new Set([...routed.map((one) => one.cluster), ...carried, ...called]);
}

/** What is legal and looks wrong: clusters nobody uses, routes nothing reaches, filters in no chain. */
export function findOddities(root: Reader, config: ProxyConfig): void {
  for (const listener of root.get("listeners").items) warnUnreachable(listener.get("routes"));
  // A filter without allowedUpstreams may call any cluster, so none can be called unused then.
  const isOpen = config.filters.some((filter) => filter.allowedUpstreams === null);
  const clusters = usedClusters(config);
  for (const cluster of isOpen ? [] : root.get("clusters").items) {
    const name = cluster.get("name");
    if (!clusters.has(name.text())) name.problem("unused_cluster", `no route uses cluster "${name.text()}"`);
  }
  const chained = new Set(
    config.listeners.flatMap((one) => [...one.filters, ...one.routes.flatMap((route) => route.filters.add)]),
  );
  for (const filter of root.get("filters").items) {
    const name = filter.get("name");
    if (!chained.has(name.text())) name.problem("unused_filter", `filter "${name.text()}" is in no chain`);
  }
}
