// The part of the config schema about listeners and their routes.
import { Type, type TSchema } from "typebox";
import { serverTls } from "./schema-tls.ts";
import { duration, EXPECTED, name, size, text } from "./schema-words.ts";

const strict = { additionalProperties: false } as const;
const optional = Type.Optional;
const object = (properties: Record<string, TSchema>, description: string): TSchema =>
  Type.Object(properties, { ...strict, description });
const count = (description: string, byDefault: number, minimum: number): TSchema =>
  Type.Integer({ minimum, default: byDefault, description });
const names = (description: string): TSchema => Type.Array(Type.String(), { description });

const upgrades = (description: string): TSchema =>
  Type.Array(
    Type.String({
      pattern: "^[A-Za-z0-9!#$%&'*+.^_`|~-]+(/[A-Za-z0-9!#$%&'*+.^_`|~-]+)?$",
      [EXPECTED]: "the name of a protocol, such as websocket",
    }),
    { description },
  );

export const headerMatch = Type.Object(
  {
    exact: optional(text("The value is this.")),
    prefix: optional(text("The value begins with this.")),
    suffix: optional(text("The value ends with this.")),
    contains: optional(text("This stands somewhere in the value.")),
    present: optional(Type.Boolean({ description: "The header is there (false: it is not)." })),
    invert: optional(Type.Boolean({ default: false, description: "The match must fail." })),
  },
  { ...strict, description: "One of exact, prefix, suffix, contains, present." },
);

export const match = object(
  {
    prefix: optional(
      Type.String({
        pattern: "^/",
        description: "The path begins with this.",
        [EXPECTED]: 'a path that begins with "/"',
      }),
    ),
    exact: optional(
      Type.String({ pattern: "^/", description: "The path is this.", [EXPECTED]: 'a path that begins with "/"' }),
    ),
    connect: optional(Type.Literal(true, { description: "CONNECT requests: an authority and no path." })),
    headers: optional(Type.Record(Type.String(), headerMatch, { description: "Header name -> match; all must hold." })),
  },
  "Which requests; exactly one of prefix, exact (matched without the query) and connect.",
);

const weighted = object(
  {
    cluster: text("Name of a cluster."),
    weight: Type.Integer({ minimum: 0, description: "Share of the sum of all weights." }),
  },
  "One of several destinations.",
);

const route = object(
  {
    name,
    match,
    route: optional(
      object(
        {
          cluster: optional(text("Name of a cluster.")),
          weightedClusters: optional(Type.Array(weighted, { minItems: 1, description: "Several clusters." })),
        },
        "Forward; exactly one of cluster and weightedClusters.",
      ),
    ),
    directResponse: optional(
      object(
        {
          status: Type.Integer({ minimum: 200, maximum: 599, description: "HTTP status." }),
          body: optional(text("Text of the answer.", "")),
        },
        "Answer without an upstream.",
      ),
    ),
    connect: optional(
      object(
        {
          authorities: Type.Array(
            Type.String({
              pattern: "^(\\*|(\\*\\.)?[A-Za-z0-9][A-Za-z0-9._-]*|\\[[0-9A-Fa-f:.]+\\]):[0-9]{1,5}$",
              [EXPECTED]: "host:port, such as db.example.com:5432, *.example.com:443 or *:443",
            }),
            {
              minItems: 1,
              description: "host:port that a client may name; * stands for all hosts, *.name for those below.",
            },
          ),
        },
        "With match.connect: a tunnel to the authority that the client names, if it is one of these.",
      ),
    ),
    timeout: optional(duration("From the end of the request's head to the end of the response; 0s = off.", "15s")),
    upgrades: optional(upgrades("Protocols its requests may change to (Upgrade). Default: as the listener says.")),
    filters: optional(
      object(
        {
          add: optional(names("Filters this route adds, placed by phase and priority.")),
          disable: optional(names("Filters this route leaves out.")),
          override: optional(
            Type.Record(Type.String(), Type.Unsafe({ type: "object" }), {
              description: "Filter name -> JSON merge patch (RFC 7396) on its pluginConfig.",
            }),
          ),
        },
        "The listener's chain, changed for this route.",
      ),
    ),
  },
  "One rule; the first that matches decides.",
);

const limits = object(
  {
    maxHeaderBytes: optional(size("Request line and headers together; over: 431.", "64KiB")),
    maxHeaders: optional(count("Over: 431.", 100, 1)),
    maxBodyBytes: optional(size("0B = no limit; over: 413.", "0B")),
    headerTimeout: optional(duration("From the first byte of a head to its end; over: 408.", "10s")),
    requestTimeout: optional(duration("From the end of the head to the end of the body; 0s = off; over: 408.", "300s")),
    streamIdleTimeout: optional(duration("No byte in either direction; 0s = off; over: 408 or 504.", "300s")),
    idleTimeout: optional(duration("Between two requests on one connection.", "60s")),
    maxRequestsPerConnection: optional(count("0 = no limit.", 0, 0)),
    bufferBytes: optional(size("Held for a slow peer, each direction.", "64KiB")),
    maxConnections: optional(count("Per data thread; over: 503 and closed (tcp: closed).", 10_000, 1)),
    maxActiveRequests: optional(count("Requests under way per data thread; 0 = no limit; over: 503 and closed.", 0, 0)),
    maxLoopLag: optional(
      duration("How late a data thread's timers may be, four times in a row, before it answers 503; 0s = off.", "0s"),
    ),
  },
  "Bounds on what a client may do.",
);

const http2 = Type.Unsafe({
  ...object(
    {
      maxConcurrentStreams: optional(
        count("Streams a client may have open at once; further ones are refused.", 100, 1),
      ),
      initialStreamWindowSize: optional(
        size("Bytes of a body that may come ahead of what is read, per stream.", "64KiB"),
      ),
      initialConnectionWindowSize: optional(size("As above, over all streams of a connection.", "1MiB")),
      maxConnectionDuration: optional(duration("Age at which a connection is drained (GOAWAY); 0s = no limit.", "0s")),
      streamResetBurst: optional(count("Streams a client may break off at once; over: GOAWAY.", 1000, 1)),
      streamResetRate: optional(count("And after that, per second.", 33, 1)),
      maxControlFrames: optional(count("PING and SETTINGS frames in 10 s; over: GOAWAY.", 1000, 1)),
    },
    "HTTP/2 for clients that begin with its preface or agree on h2 in TLS. `false` turns it off.",
  ),
  type: ["object", "boolean"],
});

const tcp = object(
  {
    cluster: text("Where connections go."),
    idleTimeout: optional(duration("No byte in either direction; 0s = off.", "1h")),
    maxConnectAttempts: optional(count("Endpoints tried, each for the cluster's connectTimeout.", 1, 1)),
  },
  "What a listener with protocol: tcp does.",
);

const proxyProtocol = object(
  {
    from: Type.Array(Type.String(), {
      minItems: 1,
      description: "Addresses and networks (10.0.0.0/8) whose connections begin with a PROXY header, v1 or v2.",
    }),
    timeout: optional(duration("From the connection to the end of the header; over: closed.", "5s")),
    required: optional(
      Type.Boolean({ default: true, description: "false: those in `from` may also begin without a header." }),
    ),
  },
  "Who stands in front of this listener says whose connection it is. Before TLS, on http and tcp listeners.",
);

const forwarding = object(
  {
    useRemoteAddress: optional(
      Type.Boolean({
        default: true,
        description: "Add the peer to x-forwarded-for. false: it is a proxy that is not counted.",
      }),
    ),
    xffNumTrustedHops: optional(count("Proxies in front whose additions to x-forwarded-for are believed.", 0, 0)),
    trustedProxies: optional(
      names(
        "Addresses and networks of those proxies; what others say of a client is taken out. Default: all are believed.",
      ),
    ),
    forwarded: optional(
      Type.Enum(["drop", "keep", "append"], { default: "drop", description: "What becomes of Forwarded (RFC 7239)." }),
    ),
    preserveExternalRequestId: optional(
      Type.Boolean({ default: false, description: "Keep the x-request-id of clients that are not believed." }),
    ),
  },
  "Which proxies stand in front, and so who the client is. Absent: the peer is; x-forwarded-for is added to, the rest kept.",
);

const listener = object(
  {
    name,
    protocol: optional(
      Type.Enum(["http", "tcp"], {
        default: "http",
        description: "tcp carries bytes to tcp.cluster; then routes, armHeader and HTTP limits are refused.",
      }),
    ),
    tcp: optional(tcp),
    tls: optional(serverTls),
    proxyProtocol: optional(proxyProtocol),
    forwarding: optional(forwarding),
    address: text("host:port; port 0 = any free port."),
    accessLog: optional(
      object(
        {
          format: optional(
            Type.Enum(["json", "text"], { default: "json", description: "One line per request or TCP connection." }),
          ),
          path: optional(text("`-` is stdout.", "-")),
        },
        "Absent = no access log.",
      ),
    ),
    filters: optional(
      names("The chain, in order. Absent = all filters by phase and priority; on a tcp listener none."),
    ),
    routes: optional(Type.Array(route, { description: "Tried from top to bottom." })),
    upgrades: optional(
      upgrades(
        "Protocols requests may change to (Upgrade), such as websocket; another is answered 403. Default: none.",
      ),
    ),
    limits: optional(limits),
    http2: optional(http2),
    armHeader: optional(text("Response header naming the experiment arms of the request; absent = none.")),
  },
  "A port that takes requests or connections.",
);

/** `listeners:` of the config. */
export const listeners: TSchema = Type.Array(listener, { minItems: 1, description: "Where requests come in." });
