// JSON Schema of what a tap sends: the data of its events (control/types.ts TapEvent, link/tap.ts TapRecord).

const text = { type: "string" } as const;
const count = { type: "integer", minimum: 0 } as const;
const texts = { type: "array", items: text } as const;

const object = (properties: Readonly<Record<string, object>>) =>
  ({ type: "object", properties, required: Object.keys(properties) }) as const;

const PHASE = object({
  name: { ...text, description: "the callback" },
  args: { type: "array", items: { type: "integer" }, description: "after the context's id" },
  action: { ...text, description: "continue, pause, fault, a number, or empty" },
  millis: { type: "number" },
  fuel: { type: ["integer", "null"], description: "points used; null without a budget" },
  hostCalls: { ...texts, description: "in words, with trace=true" },
  refusals: { ...texts, description: "why host calls were refused" },
  omitted: { ...count, description: "host calls and refusals that are not shown" },
});

const FILTER = object({
  filter: text,
  version: text,
  arm: text,
  instance: { enum: ["serving", "twin"] },
  phases: { type: "array", items: PHASE },
  omitted: { ...count, description: "phases that are not shown" },
});

export const TAP_RECORD_SCHEMA = object({
  time: { ...text, format: "date-time" },
  thread: count,
  listener: text,
  route: text,
  requestId: text,
  method: text,
  path: { ...text, description: "secret query parameters redacted" },
  protocol: text,
  status: { ...count, description: "0 = no answer was sent" },
  flags: text,
  details: text,
  durationMs: { type: "number" },
  cluster: text,
  upstream: text,
  arms: text,
  filters: { type: "array", items: FILTER },
});

export const TAP_SCHEMA = {
  oneOf: [
    object({ type: { const: "sampling" }, thread: count }),
    object({ type: { const: "request" }, record: TAP_RECORD_SCHEMA }),
    object({ type: { const: "lost" }, count }),
  ],
} as const;
