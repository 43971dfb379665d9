// What the demo and its worker say to each other.
import type { TrafficOptions, TrafficReport } from "./generator.ts";

export type ToWorker =
  | { readonly type: "drive"; readonly options: TrafficOptions }
  | { readonly type: "rate"; readonly rate: number }
  | { readonly type: "close" };

export type FromWorker =
  | { readonly type: "upstreams"; readonly ports: Readonly<Record<string, number>> }
  | { readonly type: "report"; readonly report: TrafficReport };
