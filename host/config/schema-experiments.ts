// The part of the config schema about experiments: arms, who takes part, what is judged, and how the rollout goes on.
import { Type, type TSchema } from "typebox";
import { HOOKS } from "../experiment/options.ts";
import { headerMatch } from "./schema-listeners.ts";
import { duration, EXPECTED, name, text } from "./schema-words.ts";

const strict = { additionalProperties: false } as const;
const optional = Type.Optional;
const object = (properties: Record<string, TSchema>, description: string): TSchema =>
  Type.Object(properties, { ...strict, description });
const number = (description: string, more: object = {}): TSchema => Type.Number({ description, ...more });
const UNIT_WORDS = "header:<name>, cookie:<name>, claim:<name>, tag:<name>, sourceIp, connection or requestId";

const unit = Type.Unsafe({
  type: ["object", "array"],
  description: "What makes two requests the same user: an object, or a list such as [header:x-user, cookie:sid].",
  properties: {
    header: text("Name of a request header."),
    cookie: text("Name of a cookie."),
    set: Type.Boolean({ default: false, description: "With cookie: give one to clients that have no unit at all." }),
    claim: text("Claim of the bearer token. Not verified here: put the filter that does before this one."),
    tag: text("Property that a filter before this one has set on the stream."),
    requestId: Type.Boolean({ description: "Every request (or TCP connection) for itself; not sticky." }),
    sourceIp: Type.Boolean({ description: "The client's address." }),
    connection: Type.Boolean({ description: "The client's connection, for as long as it lasts." }),
    fallback: text(`Tried when the first is absent: ${UNIT_WORDS}.`),
  },
  additionalProperties: false,
  items: Type.String({
    pattern: "^((header|cookie|set-cookie|claim|tag):.+|requestId|sourceIp|connection)$",
    [EXPECTED]: UNIT_WORDS,
  }),
  minItems: 1,
});

const variant = object(
  {
    name,
    version: optional(text("current, v3, or a sha256 prefix of 8 digits or more.")),
    source: optional(text("Own .ts entry or .wasm, relative to this file.")),
    pluginConfig: optional(
      Type.Unsafe({ type: ["object", "string"], description: "Replaces the filter's pluginConfig for this arm." }),
    ),
    weight: Type.Number({ minimum: 0, maximum: 100, description: "Percent of the users." }),
  },
  "One arm. The first is the control.",
);

const targeting = object(
  {
    prefix: optional(text("The path begins with this.")),
    exact: optional(text("The path is this.")),
    headers: optional(Type.Record(Type.String(), headerMatch, { description: "Header name -> match; all must hold." })),
  },
  "Who takes part at all; everybody else gets the control and is not counted.",
);

const layer = Type.Unsafe({
  type: ["object", "string"],
  description:
    "Experiments in one layer never share a user if their ranges are apart; a name alone is the whole layer.",
  properties: {
    name,
    range: Type.Array(Type.Number({ minimum: 0, maximum: 1 }), {
      minItems: 2,
      maxItems: 2,
      description: "Part of the layer's users, [from, to), 0 to 1.",
    }),
  },
  required: ["name", "range"],
  additionalProperties: false,
});

const overrides = object(
  {
    units: optional(Type.Record(Type.String(), Type.String(), { description: "Unit -> arm; not analysed." })),
    header: optional(text("Request header that names the arm; believed from trusted clients only.", "")),
    trustedClients: optional(Type.Array(Type.String(), { description: "Addresses or ranges such as 10.0.0.0/8." })),
  },
  "Requests whose arm is not left to the hash.",
);

const guardrail = object(
  {
    name: text("A metric."),
    max: optional(number("The candidate's value may not be above this.")),
    min: optional(number("The candidate's value may not be below this.")),
    margin: optional(number("How much worse than the control it may be.", { minimum: 0 })),
    action: optional(
      Type.Enum(["abort", "hold"], { default: "abort", description: "What happens when it breaks; abort = rollback." }),
    ),
  },
  "A limit that must hold.",
);

const metrics = object(
  {
    primary: optional(
      object(
        {
          name: text("A metric."),
          direction: optional(Type.Enum(["increase", "decrease"], { description: "What is wished for." })),
        },
        "What the candidate is to be better at.",
      ),
    ),
    guardrails: optional(Type.Array(guardrail, { description: "What it may not be worse at." })),
    secondary: optional(Type.Array(Type.String(), { description: "Metrics that are reported and decide nothing." })),
  },
  "What the arms are judged by.",
);

const alpha = (description: string, byDefault: number): TSchema => number(description, { default: byDefault });

const analysis = object(
  {
    method: optional(
      Type.Enum(["sequential"], { default: "sequential", description: "Always valid: look as often as you like." }),
    ),
    alpha: optional(alpha("Chance of ever being wrong, above 0 to 0.5.", 0.05)),
    tuning: optional(
      Type.Integer({ minimum: 1, default: 5000, description: "Users at which intervals are tightest." }),
    ),
    minSamples: optional(Type.Integer({ minimum: 0, default: 500, description: "Users per arm before a promotion." })),
    minRuntime: optional(duration("Time before a promotion.", "60s")),
    errorAlpha: optional(alpha("Of the count of failures, above 0 to 0.5.", 0.01)),
    srmAlpha: optional(alpha("Of the sample ratio, above 0 to 0.5.", 0.001)),
    srmAction: optional(
      Type.Enum(["hold", "warn", "rollback"], { default: "hold", description: "When arms do not get their share." }),
    ),
    onInconclusive: optional(
      Type.Enum(["hold", "continue", "abort"], { default: "hold", description: "When a step's time is over." }),
    ),
    prePeriod: optional(duration("A/A phase before the first step, which makes later verdicts surer (CUPED).", "0s")),
  },
  "How sure a verdict must be.",
);

const shadow = object(
  {
    percent: optional(number("Of the filter's streams, above 0.", { minimum: 0, maximum: 100, default: 10 })),
    for: optional(duration("How long.", "30s")),
    onDiff: optional(
      Type.Enum(["hold", "abort", "continue"], {
        default: "hold",
        description: "When the candidate decides otherwise than the control; continue: only a trap stops the rollout.",
      }),
    ),
    ignore: optional(Type.Array(Type.String(), { description: "Fields that are not compared." })),
  },
  "The candidate beside the control on sampled traffic, before anybody gets an answer of it. First step only.",
);

const step = Type.Unsafe({
  ...object(
    {
      shadow: optional(shadow),
      setWeight: optional(number("Percent of the users for the candidate.", { minimum: 0, maximum: 100 })),
      pause: optional(
        Type.Unsafe({
          type: ["string", "object"],
          pattern: "^\\d+(\\.\\d+)?\\s*(ns|us|ms|s|m|h)$",
          properties: { duration: duration("How long.", "30s") },
          additionalProperties: false,
          description: "A duration; {} waits until somebody resumes.",
          [EXPECTED]: 'a duration such as "30s", or {}',
        }),
      ),
      analysis: optional(
        object({ duration: optional(duration("At most so long.", "5m")) }, "Goes on as soon as the verdict is known."),
      ),
    },
    "One of setWeight, pause, analysis, shadow.",
  ),
});

const hook = Type.Unsafe({
  type: ["string", "object"],
  properties: { url: text("http:// or https://."), timeout: duration("Of one call.", "5s") },
  required: ["url"],
  additionalProperties: false,
  description: "URL that is posted to; an answer that is not 2xx holds the rollout.",
});

export const experiment = object(
  {
    name,
    filter: text("Name of the filter under test."),
    mode: optional(
      Type.Enum(["ab", "canary", "shadow"], {
        default: "ab",
        description:
          "ab: promoted when the primary metric has moved as wished; canary: when nothing got worse; shadow: compared, and shown to nobody.",
      }),
    ),
    unit,
    salt: optional(text("Seed of the assignment; default the experiment's name.")),
    sharedData: optional(
      Type.Enum(["separate", "shared"], {
        description:
          "separate: a candidate has shared data and queues of its own, which become the filter's with a promotion. Default separate, where no other filter uses them.",
      }),
    ),
    layer: optional(layer),
    targeting: optional(targeting),
    overrides: optional(overrides),
    variants: Type.Array(variant, { minItems: 2, description: "The arms; weights add up to 100." }),
    metrics: optional(metrics),
    analysis: optional(analysis),
    rollout: optional(
      object(
        {
          steps: optional(Type.Array(step, { description: "In order." })),
          diagnosis: optional(duration("How long a candidate stays in the shadow after a rollback; 0s = not.", "5m")),
        },
        "How the candidate's share grows.",
      ),
    ),
    hooks: optional(
      object(Object.fromEntries(HOOKS.map((one) => [one, optional(hook)])), "Who is asked and told, by webhook."),
    ),
  },
  "Two or more versions of one filter at once.",
);
