// What a tap is and what it brings back: plain data between control and data threads, and the shape `GET /api/v1/tap` and
// `sluice tap --json` print. Names are a contract: add, do not rename.
import type { Phase } from "../vm/story.ts";

/** One condition on a request as it looks when it begins. */
export interface TapMatch {
  /** `method`, `path`, `host`, `listener`, or a header's name. */
  readonly key: string;
  readonly value: string;
  /** `value` is the beginning of what is looked for. */
  readonly isPrefix: boolean;
}

/** Which requests somebody wants to see. Empty texts and lists = any. */
export interface TapSelection {
  /** Requests whose chain has this filter; only this filter's part is told. */
  readonly filter: string;
  readonly route: string;
  readonly match: readonly TapMatch[];
  /** `5xx`, `404`; looked at when the request has ended. */
  readonly status: readonly string[];
  /** Requests followed per second and data thread. */
  readonly rate: number;
  /** Host calls in words: the sampled requests run on traced twins of their filters. */
  readonly trace: boolean;
}

export interface TapMessage {
  readonly id: number;
  readonly selection: TapSelection;
}

/** One filter on one request. */
export interface TapFilter {
  readonly filter: string;
  readonly version: string;
  /** Of an experiment, else "". */
  readonly arm: string;
  /** `twin`: it ran on a traced twin of the serving instance. */
  readonly instance: "serving" | "twin";
  readonly phases: readonly Phase[];
  /** Phases beyond what is kept. */
  readonly omitted: number;
}

export interface TapRecord {
  /** ISO 8601: the first byte of the request. */
  readonly time: string;
  readonly thread: number;
  readonly listener: string;
  /** "" when none matched. */
  readonly route: string;
  readonly requestId: string;
  readonly method: string;
  readonly path: string;
  readonly protocol: string;
  /** 0 = no answer was sent. */
  readonly status: number;
  readonly flags: string;
  readonly details: string;
  readonly durationMs: number;
  readonly cluster: string;
  readonly upstream: string;
  readonly arms: string;
  /** In the order in which the request met them. */
  readonly filters: readonly TapFilter[];
}

export interface TappedMessage {
  readonly type: "tapped";
  readonly records: readonly { readonly tap: number; readonly record: TapRecord }[];
  /** tap -> records given up on this thread since the last message. */
  readonly lost: Readonly<Record<string, number>>;
}
