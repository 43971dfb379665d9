// HTTP call-outs of filters, as plugin and chain need them; net implements this.
import type { HeaderList } from "../abi/headers.ts";

export interface CalloutRequest {
  readonly cluster: string;
  /** Pseudo headers :method :scheme? :authority :path among them, in any order. */
  readonly headers: HeaderList;
  readonly body: Buffer;
  readonly trailers: HeaderList;
  /** 0 = the cluster's default, 15 000. */
  readonly timeoutMs: number;
  /** Bytes of response body accepted before `response_too_large`. */
  readonly maxBodyBytes: number;
}

export type CalloutFailure =
  | "timeout"
  | "connect_failure"
  | "reset"
  | "response_too_large"
  | "no_healthy_upstream"
  | "overflow";

export type CalloutResult =
  | { readonly ok: true; readonly headers: HeaderList; readonly body: Buffer; readonly trailers: HeaderList }
  | { readonly ok: false; readonly failure: CalloutFailure };

export interface CalloutPort {
  /** false when there is no such cluster. */
  hasCluster(name: string): boolean;
  /** `done` is called exactly once, never before this returns; not at all after cancel(). */
  send(request: CalloutRequest, done: (result: CalloutResult) => void): { cancel(): void };
}
