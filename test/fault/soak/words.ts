// What the soak and the process under it say to each other.
import type { SluiceEvent } from "../../../host/control/types.ts";
import type { ProbeAnswer } from "./probe.ts";

export type Asked = { readonly ask: "terminate"; readonly threadId: number } | { readonly ask: "look" };

/** What is open after a full collection, the control side's first. */
export interface Look {
  readonly threads: readonly ProbeAnswer[];
}

export type Told =
  | { readonly port: number; readonly adminUrl: string }
  | { readonly event: SluiceEvent }
  | { readonly complaint: string }
  | Look;
