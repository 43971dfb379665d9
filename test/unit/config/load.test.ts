import { availableParallelism } from "node:os";
import { describe, expect, test } from "vitest";
import { DEFAULT_RULES } from "../../../host/experiment/rules.ts";
import { MINIMAL, parse } from "./support.ts";

const FULL = `apiVersion: sluice.dev/v1alpha1
admin: { address: "[::1]:9902", token: "\${TOKEN}" }
drainTimeout: 1.5s
workers: "\${WORKERS}"
node: { id: gw-1, region: cn-east, zone: hz-a, labels: { env: dev } }
listeners:
  - name: public
    address: 0.0.0.0:8080
    accessLog: { format: text, path: access.log }
    filters: [auth, gray]
    armHeader: X-Arm
    limits: { maxHeaderBytes: 8KiB, maxBodyBytes: 1MB, headerTimeout: 250ms, maxConnections: 5,
              maxActiveRequests: 7, maxLoopLag: 100ms }
    routes:
      - name: beta
        match: { exact: /orders, headers: { X-Group: { exact: beta }, x-old: { present: false }, :method: { prefix: G, invert: true } } }
        route: { weightedClusters: [{ cluster: orders, weight: 9 }, { cluster: web, weight: 1 }] }
        timeout: 2s
        filters: { add: [fault], disable: [auth], override: { gray: { rate: 10/s } } }
      - { name: teapot, match: { prefix: / }, directResponse: { status: 418, body: short and stout } }
clusters:
  - name: orders
    lbPolicy: roundRobin
    connectTimeout: 100ms
    circuitBreakers: { thresholds: { maxConnections: 2, maxPendingRequests: 0 } }
    endpoints: [{ address: localhost:9001, weight: 3, zone: a, labels: { version: v1 } }]
  - { name: web, endpoints: [{ address: 10.0.0.1:80 }] }
filters:
  - { name: fault, source: filters/fault.wasm }
  - name: auth
    source: https://example.test/auth.wasm
    sha256: ${"ab".repeat(32)}
    phase: STATS
    limits: { memory: 16MiB }
    allowedCapabilities: [proxy_log]
    allowedUpstreams: [web]
    vmConfig: plain text
    environment: { A: "1" }
    pauseTimeout: 1s
    bufferLimit: 2MiB
    pluginConfig: { issuer: "\${ISSUER}", cost: "$\${not a reference}", list: [1, true, null] }
  - { name: gray, phase: AUTHN, priority: 3, failurePolicy: FAIL_RELOAD, vmId: shared, rootId: r }
experiments:
  - name: exp
    filter: gray
    unit: { header: X-User, fallback: cookie:sid }
    variants:
      - { name: control, version: current, weight: 90 }
      - { name: b, source: ./b/index.ts, weight: 10, pluginConfig: { x: 1 } }
telemetry: { log: { level: debug } }
stateDir: state
`;

describe("a config that is right", () => {
  test("is read whole, with every unit converted and every reference resolved", async () => {
    const { config, warnings } = await parse(FULL, { TOKEN: "123", WORKERS: "2", ISSUER: "me" });
    expect(warnings).toEqual([]);
    expect(config).toMatchObject({
      admin: { host: "::1", port: 9902, token: "123" },
      drainTimeoutMs: 1500,
      workers: 2,
      node: { id: "gw-1", region: "cn-east", zone: "hz-a", labels: { env: "dev" } },
      stateDir: "/etc/sluice/state",
      logLevel: "debug",
    });
    expect(config.listeners[0]).toMatchObject({
      host: "0.0.0.0",
      port: 8080,
      accessLog: { format: "text", path: "access.log" },
      filters: ["auth", "gray"],
      armHeader: "x-arm",
      limits: {
        maxHeaderBytes: 8192,
        maxBodyBytes: 1_000_000,
        headerTimeoutMs: 250,
        maxConnections: 5,
        maxActiveRequests: 7,
        maxLoopLagMs: 100,
        maxHeaders: 100,
      },
    });
    expect(config.listeners[0]!.routes).toEqual([
      {
        name: "beta",
        match: {
          exact: "/orders",
          headers: [
            { name: "x-group", kind: "exact", value: "beta", invert: false },
            { name: "x-old", kind: "present", value: "", invert: true },
            { name: ":method", kind: "prefix", value: "G", invert: true },
          ],
        },
        action: {
          kind: "forward",
          clusters: [
            { cluster: "orders", weight: 9 },
            { cluster: "web", weight: 1 },
          ],
        },
        timeoutMs: 2000,
        filters: { add: ["fault"], disable: ["auth"], override: { gray: { rate: "10/s" } } },
      },
      {
        name: "teapot",
        match: { prefix: "/", headers: [] },
        action: { kind: "direct", status: 418, body: "short and stout" },
        timeoutMs: 15_000,
        filters: { add: [], disable: [], override: {} },
      },
    ]);
    expect(config.clusters[0]).toEqual({
      name: "orders",
      lbPolicy: "roundRobin",
      endpoints: [{ host: "localhost", port: 9001, labels: { version: "v1" }, zone: "a", weight: 3 }],
      connectTimeoutMs: 100,
      idleTimeoutMs: 60_000,
      maxConnections: 2,
      maxPendingRequests: 0,
    });
    expect(config.filters[1]).toEqual({
      name: "auth",
      source: "https://example.test/auth.wasm",
      sha256: "ab".repeat(32),
      phase: "STATS",
      priority: 0,
      failurePolicy: "FAIL_OPEN",
      failurePolicies: {},
      quarantine: { faults: 3, windowMs: 60_000 },
      limits: {
        memoryBytes: 16 * 1024 * 1024,
        fuel: 10_000_000,
        tableEntries: 100_000,
        headers: 256,
        headerBytes: 64 * 1024,
        logLines: 1000,
        metrics: 1000,
        sharedDataKeys: 10_000,
        sharedDataBytes: 16 * 1024 * 1024,
        callouts: 256,
        calloutsPerStream: 64,
        tickPeriodMs: 1,
      },
      allowedCapabilities: ["proxy_log"],
      allowedProperties: null,
      // A module from elsewhere may do less.
      allowedForeignFunctions: ["sluice.features"],
      allowedNamespaces: ["auth"],
      allowedUpstreams: ["web"],
      rootId: "",
      vmId: "auth",
      vmConfig: "plain text",
      environment: { A: "1" },
      pauseTimeoutMs: 1000,
      bufferLimitBytes: 2 * 1024 * 1024,
      pluginConfig: '{"issuer":"me","cost":"${not a reference}","list":[1,true,null]}',
    });
    expect(config.filters[0]!.source).toBe("/etc/sluice/filters/fault.wasm");
    expect(config.experiments).toEqual([
      {
        name: "exp",
        filter: "gray",
        salt: "exp",
        unit: [
          { kind: "header", name: "x-user" },
          { kind: "cookie", name: "sid" },
        ],
        variants: [
          { name: "control", version: "current", source: "", pluginConfig: null, weight: 90 },
          { name: "b", version: "", source: "/etc/sluice/b/index.ts", pluginConfig: '{"x":1}', weight: 10 },
        ],
        ...DEFAULT_RULES,
      },
    ]);
  });

  test("gets the documented defaults", async () => {
    const { config } = await parse(MINIMAL);
    expect(config).toMatchObject({
      admin: { host: "127.0.0.1", port: 9901, token: "" },
      drainTimeoutMs: 10_000,
      workers: availableParallelism(),
      stateDir: "/etc/sluice/.sluice",
      logLevel: "info",
      experiments: [],
    });
    expect(config.listeners[0]!.limits).toEqual({
      maxHeaderBytes: 65_536,
      maxHeaders: 100,
      maxBodyBytes: 0,
      headerTimeoutMs: 10_000,
      requestTimeoutMs: 300_000,
      streamIdleTimeoutMs: 300_000,
      idleTimeoutMs: 60_000,
      maxRequestsPerConnection: 0,
      bufferBytes: 65_536,
      maxConnections: 10_000,
      maxActiveRequests: 0,
      maxLoopLagMs: 0,
    });
    expect(config.listeners[0]).toMatchObject({ accessLog: null, armHeader: "", filters: [] });
    expect(config.clusters[0]).toMatchObject({ lbPolicy: "leastRequest", maxConnections: 1024 });
  });

  test("may be JSON", async () => {
    const { config } = await parse('{"listeners":[{"name":"a","address":"127.0.0.1:0"}],"admin":false}');
    expect(config.admin).toBeNull();
    expect(config.listeners[0]!.port).toBe(0);
  });

  test("cannot be changed afterwards", async () => {
    const { config } = await parse(MINIMAL);
    expect(Object.isFrozen(config.listeners[0]!.limits)).toBe(true);
  });

  test("orders the chain by phase, priority and place where a listener lists no filters", async () => {
    const filters = `filters:
  - { name: last }
  - { name: stats, phase: STATS }
  - { name: low, phase: AUTHN, priority: 1 }
  - { name: high, phase: AUTHN, priority: 9 }
`;
    expect((await parse(MINIMAL + filters)).config.listeners[0]!.filters).toEqual(["high", "low", "stats", "last"]);
    const none = MINIMAL.replace("    routes:", "    filters: []\n    routes:");
    expect((await parse(none + filters)).config.listeners[0]!.filters).toEqual([]);
  });

  test("may share parts by anchor and merge key", async () => {
    const { config } = await parse(`${MINIMAL}filters:
  - &base { name: a, phase: AUTHN }
  - { <<: *base, name: b }
`);
    expect(config.filters[1]).toMatchObject({ name: "b", phase: "AUTHN" });
  });

  test("takes units of an experiment as a list", async () => {
    const { config } = await parse(`${MINIMAL}filters: [{ name: f }]
experiments:
  - name: e
    filter: f
    salt: other
    unit: [cookie:sid, requestId]
    variants: [{ name: a, version: current, weight: 33.3 }, { name: b, version: v2, weight: 66.7 }]
`);
    expect(config.experiments[0]).toMatchObject({
      salt: "other",
      unit: [{ kind: "cookie", name: "sid" }, { kind: "requestId" }],
    });
  });

  test("takes units that need no header", async () => {
    const units = async (unit: string) =>
      (
        await parse(`${MINIMAL}filters: [{ name: f }]
experiments:
  - name: e
    filter: f
    unit: ${unit}
    variants: [{ name: a, version: current, weight: 50 }, { name: b, version: v2, weight: 50 }]
`)
      ).config.experiments[0]?.unit;
    expect(await units("{ sourceIp: true }")).toEqual([{ kind: "sourceIp" }]);
    expect(await units("{ header: X-User, fallback: connection }")).toEqual([
      { kind: "header", name: "x-user" },
      { kind: "connection" },
    ]);
    expect(await units("[sourceIp, requestId]")).toEqual([{ kind: "sourceIp" }, { kind: "requestId" }]);
  });

  test("fills in what a tcp listener leaves out; without a list it has no filters", async () => {
    const { config } = await parse(`listeners:
  - { name: db, address: "127.0.0.1:5432", protocol: tcp, tcp: { cluster: web } }
  - { name: cache, address: "127.0.0.1:6379", protocol: tcp, filters: [f], limits: { bufferBytes: 1KiB, maxConnections: 5 },
      tcp: { cluster: web, idleTimeout: 0s, maxConnectAttempts: 3 } }
clusters: [{ name: web, endpoints: [{ address: "127.0.0.1:9001" }] }]
filters: [{ name: f }]
`);
    const [db, cache] = config.listeners;
    expect(db).toMatchObject({
      filters: [],
      routes: [],
      tcp: { cluster: "web", idleTimeoutMs: 3_600_000, maxConnectAttempts: 1 },
    });
    expect(cache).toMatchObject({
      filters: ["f"],
      limits: { bufferBytes: 1024, maxConnections: 5 },
      tcp: { cluster: "web", idleTimeoutMs: 0, maxConnectAttempts: 3 },
    });
    expect((await parse(MINIMAL)).config.listeners[0]).not.toHaveProperty("tcp");
  });
});
