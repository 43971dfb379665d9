// `sluice routes`: routes in matching order, from the configuration the proxy runs.
import type { ProxyConfig } from "../../config/options.ts";
import type { HeaderMatch, RouteOptions } from "../../route/options.ts";
import type { Command } from "../command.ts";
import { READ_ARGS, runView, type View } from "../read.ts";

interface Routes {
  readonly routes: readonly (RouteOptions & { readonly listener: string })[];
}

function headerText(match: HeaderMatch): string {
  const test = match.kind === "present" ? "" : ` ${match.kind} ${JSON.stringify(match.value)}`;
  return `${match.invert ? "not " : ""}${match.name}${test}`;
}

function matchText({ match }: RouteOptions): string {
  const path = match.exact === undefined ? `${match.prefix ?? "/"}*` : match.exact;
  return [path, ...match.headers.map(headerText)].join(", ");
}

function targetText({ action }: RouteOptions): string {
  if (action.kind === "direct") return `answers ${action.status}`;
  if (action.clusters.length === 1) return action.clusters[0]?.cluster ?? "";
  return action.clusters.map((one) => `${one.cluster} ${one.weight}`).join(", ");
}

function filtersText({ filters }: RouteOptions): string {
  const changed = [
    ...filters.add.map((name) => `+${name}`),
    ...filters.disable.map((name) => `-${name}`),
    ...Object.keys(filters.override).map((name) => `~${name}`),
  ];
  return changed.join(" ") || "-";
}

const view: View<Routes> = {
  async load(client) {
    const { config } = await client.json<{ config: ProxyConfig }>("/config_dump");
    return {
      routes: config.listeners.flatMap((one) => one.routes.map((route) => ({ listener: one.name, ...route }))),
    };
  },
  draw({ routes }, { terminal }, isWide) {
    const columns = ["LISTENER", "NAME", "MATCH", "TO", "FILTERS"];
    const rows = routes.map((route) => [
      route.listener,
      route.name,
      matchText(route),
      targetText(route),
      filtersText(route),
      ...(isWide ? [`${route.timeoutMs} ms`] : []),
    ]);
    terminal.table(isWide ? [...columns, "TIMEOUT"] : columns, rows);
  },
};

export const routes: Command = {
  name: "routes",
  summary: "Routes in matching order",
  args: READ_ARGS,
  run: (context) => runView(view, context),
};
