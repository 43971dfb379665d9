// A tap's record as data threads send it.
import type { TapRecord } from "../../host/link/tap.ts";
import type { Phase } from "../../host/vm/story.ts";

export const phase = (more: Partial<Phase> = {}): Phase => ({
  name: "proxy_on_request_headers",
  args: [5, 1],
  action: "continue",
  millis: 0.25,
  fuel: 1200,
  hostCalls: [],
  refusals: ['there is no header "x-none"'],
  omitted: 0,
  ...more,
});

export const record = (more: Partial<TapRecord> = {}): TapRecord => ({
  time: "2030-01-01T12:01:07.000Z",
  thread: 1,
  listener: "public",
  route: "all",
  requestId: "r1",
  method: "GET",
  path: "/orders",
  protocol: "HTTP/1.1",
  status: 200,
  flags: "",
  details: "via_upstream",
  durationMs: 12.345,
  cluster: "web",
  upstream: "127.0.0.1:9001",
  arms: "gray=b",
  filters: [{ filter: "gray", version: "v2", arm: "b", instance: "serving", phases: [phase()], omitted: 0 }],
  ...more,
});
