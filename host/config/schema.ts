// The config's JSON Schema: the one source of schema/sluice.schema.json and of the structural check. Loaded lazily, since
// typebox costs 100-250 ms. Structure lives here; meaning (references, units, conflicts) in the readers beside it.
import { Type, type TSchema } from "typebox";
import { SETTABLE_LIMITS, type SettableLimit } from "../plugin/limit-table.ts";
import { experiment } from "./schema-experiments.ts";
import { listeners } from "./schema-listeners.ts";
import { clientTls } from "./schema-tls.ts";
import { fuel, duration, EXPECTED, name, size, text, WORDS } from "./schema-words.ts";

const strict = { additionalProperties: false } as const;
const object = (properties: Record<string, TSchema>, description: string): TSchema =>
  Type.Object(properties, { ...strict, description });
const optional = Type.Optional;
const freeObject = (description: string): TSchema => Type.Unsafe({ type: ["object", "string"], description });
const labels = (description: string): TSchema => Type.Record(Type.String(), Type.String(), { description });

const admin = Type.Unsafe({
  ...object(
    {
      address: optional(text("host:port of the admin API. Off loopback a token is required.", "127.0.0.1:9901")),
      token: optional(text("Bearer token; take it from the environment: ${SLUICE_ADMIN_TOKEN}.", "")),
    },
    "The admin API. `false` turns it off.",
  ),
  type: ["object", "boolean"],
});

const thresholds = object(
  {
    maxConnections: optional(Type.Integer({ minimum: 1, default: 1024, description: "Connections per data thread." })),
    maxPendingRequests: optional(
      Type.Integer({ minimum: 0, default: 1024, description: "Requests waiting for a connection, per data thread." }),
    ),
    maxRequests: optional(
      Type.Integer({
        minimum: 1,
        default: 1024,
        description: "Requests under way, per data thread. With http2 only: else maxConnections is the same limit.",
      }),
    ),
  },
  "Limits beyond which requests are answered 503.",
);

const endpoint = object(
  {
    address: text("host:port."),
    weight: optional(Type.Integer({ minimum: 1, default: 1, description: "Share of the traffic." })),
    zone: optional(text("Where it runs.", "")),
    labels: optional(labels("Free labels, for example version: v1.")),
  },
  "One server.",
);

const http2 = object(
  {
    maxConcurrentStreams: optional(
      Type.Integer({
        minimum: 1,
        default: 100,
        description: "Streams on one connection, if the server allows as many.",
      }),
    ),
    initialStreamWindowSize: optional(
      size("Bytes of an answer that may come ahead of what is read, per stream.", "256KiB"),
    ),
    initialConnectionWindowSize: optional(size("As above, over all streams of a connection.", "1MiB")),
  },
  "The servers speak HTTP/2: with prior knowledge (h2c), or agreed on by ALPN where the cluster has tls; {} takes the defaults.",
);

const cluster = object(
  {
    name,
    lbPolicy: optional(
      Type.Enum(["roundRobin", "leastRequest", "random"], {
        default: "leastRequest",
        description: "How an endpoint is chosen; leastRequest is the power of two choices.",
      }),
    ),
    endpoints: Type.Array(endpoint, { minItems: 1, description: "The servers." }),
    connectTimeout: optional(duration("From the start of the dial to the connection.", "5s")),
    idleTimeout: optional(duration("How long an unused pooled connection is kept.", "60s")),
    tls: optional(clientTls),
    proxyProtocol: optional(
      Type.Enum(["v1", "v2"], {
        description: "Connections begin with a PROXY header that names the client; HTTP requests then share none.",
      }),
    ),
    http2: optional(http2),
    circuitBreakers: optional(object({ thresholds: optional(thresholds) }, "Limits of the cluster.")),
  },
  "A group of servers that answer the same requests.",
);

const policies = ["FAIL_CLOSED", "FAIL_OPEN", "FAIL_RELOAD"];
const policyOf = (description: string): TSchema => Type.Enum(policies, { description });

const failurePolicy = Type.Unsafe({
  ...object(
    {
      start: optional(policyOf("The module does not start.")),
      config: optional(policyOf("It refuses its configuration.")),
      trap: optional(policyOf("It trapped, or a host call failed in a way that ends it.")),
      fuel: optional(policyOf("It used more than limits.fuel.")),
      oom: optional(policyOf("It trapped at limits.memory.")),
      tick: optional(policyOf("It failed in its tick; default as trap.")),
    },
    "What a request meets while no instance lives: one word, or one for each cause. Default FAIL_CLOSED, FAIL_OPEN for phase STATS.",
  ),
  type: ["string", "object"],
  pattern: `^(${policies.join("|")})$`,
  [EXPECTED]: `one of ${policies.join(", ")}`,
  [WORDS]: policies,
});

const quarantine = object(
  {
    faults: optional(
      Type.Integer({
        minimum: 0,
        default: 3,
        description: "Faults within the window, over all data threads; 0 = never.",
      }),
    ),
    window: optional(duration("How long a fault counts.", "60s")),
  },
  "When a version is given up: traffic returns to the last good one.",
);

const sizeText = (bytes: number): string =>
  bytes % (1024 * 1024) === 0 ? `${bytes / (1024 * 1024)}MiB` : `${bytes / 1024}KiB`;

/** One key of `limits`. */
function limitEntry({ key, what, unit, byDefault, min, max }: SettableLimit): readonly [string, TSchema] {
  const description = `${what[0]?.toUpperCase()}${what.slice(1)}.`;
  if (unit === "points") return [key, optional(fuel)];
  if (unit === "bytes") return [key, optional(size(description, sizeText(byDefault)))];
  if (unit === "ms") return [key, optional(duration(description, `${byDefault}ms`))];
  return [key, optional(Type.Integer({ minimum: min, maximum: max, default: byDefault, description }))];
}

const strings = (description: string): TSchema => Type.Array(Type.String(), { description });

const filter = object(
  {
    name,
    source: optional(text("A .ts entry, a .wasm, or https:// with sha256; absent = uploaded. Relative to this file.")),
    sha256: optional(
      Type.String({
        pattern: "^[0-9a-f]{64}$",
        description: "Expected digest of a .wasm: 64 lower-case hex digits.",
        [EXPECTED]: "64 lower-case hex digits",
      }),
    ),
    phase: optional(Type.Enum(["AUTHN", "AUTHZ", "STATS"], { description: "Where in the chain; absent = last." })),
    priority: optional(Type.Integer({ default: 0, description: "Inside a phase, higher runs first." })),
    failurePolicy: optional(failurePolicy),
    quarantine: optional(quarantine),
    limits: optional(object(Object.fromEntries(SETTABLE_LIMITS.map(limitEntry)), "What the guest may use.")),
    allowedCapabilities: optional(strings("Host functions the guest may call; absent = all.")),
    allowedProperties: optional(
      strings("Prefixes of properties it may read and set, such as request or source.address; absent = all."),
    ),
    allowedForeignFunctions: optional(
      strings("Foreign functions it may call; absent = all, for a source at a URL sluice.features only."),
    ),
    allowedNamespaces: optional(
      strings("Namespaces (vmId) whose queues it may find; absent = all, for a source at a URL its own."),
    ),
    allowedUpstreams: optional(
      strings("Clusters that call-outs (HTTP and gRPC) may use; absent = all, for a source at a URL none."),
    ),
    rootId: optional(text("Root context id.", "")),
    vmId: optional(text("Namespace of shared data and queues; default the filter's name.")),
    vmConfig: optional(freeObject("Given to proxy_on_vm_start: an object (as JSON) or text.")),
    environment: optional(labels("Environment variables the guest sees.")),
    pauseTimeout: optional(duration("A request paused longer is answered 504.", "30s")),
    bufferLimit: optional(size("Buffered body, each direction.", "1MiB")),
    pluginConfig: optional(freeObject("Given to proxy_on_configure: an object (as JSON) or text.")),
  },
  "A proxy-wasm filter.",
);

const telemetry = object(
  {
    log: optional(
      object(
        {
          level: optional(
            Type.Enum(["trace", "debug", "info", "warn", "error"], {
              default: "info",
              description: "From this one up.",
            }),
          ),
        },
        "Log of the host.",
      ),
    ),
  },
  "What the proxy says about itself.",
);

/** The whole file. Draft 2020-12. */
export const CONFIG_SCHEMA: TSchema = Type.Object(
  {
    apiVersion: optional(Type.Enum(["sluice.dev/v1alpha1"], { description: "Version of this format." })),
    admin: optional(admin),
    drainTimeout: optional(duration("How long work in flight may take after TERM.", "10s")),
    workers: optional(Type.Integer({ minimum: 1, maximum: 256, description: "Data threads; default one per core." })),
    maxConnections: optional(
      Type.Integer({
        minimum: 1,
        default: 50_000,
        description:
          "Client connections of the process, over all listeners and threads; over: closed at once. Lowered where the limit on open files is too low.",
      }),
    ),
    node: optional(
      object(
        {
          id: optional(text("Default the host name.")),
          region: optional(text("Region.", "")),
          zone: optional(text("Zone.", "")),
          labels: optional(labels("Free labels.")),
        },
        "Who this proxy is.",
      ),
    ),
    listeners,
    clusters: optional(Type.Array(cluster, { description: "Where requests go." })),
    filters: optional(Type.Array(filter, { description: "What happens to requests on the way." })),
    experiments: optional(Type.Array(experiment, { description: "A/B tests of filter versions." })),
    telemetry: optional(telemetry),
    stateDir: optional(text("Versions, experiments and caches; relative to this file.", ".sluice")),
  },
  {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    $id: "https://sluice.dev/schema/sluice.schema.json",
    title: "sluice configuration",
    ...strict,
  },
);
