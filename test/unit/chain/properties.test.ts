// Properties as a guest reads and sets them: Envoy's names and bytes (abi.md 10), life spans, and who may write what.
import { afterEach, describe, expect, test } from "vitest";
import { bytesField, intField } from "../../../host/abi/protobuf.ts";
import { flagBits } from "../../../host/chain/attributes/flags.ts";
import { isAttribute } from "../../../host/chain/properties.ts";
import type { StreamFacts } from "../../../host/chain/ports.ts";
import { ConnectionState } from "../../../host/plugin/stream-notes.ts";
import { Asker } from "../../support/asker.ts";
import { readPairs, writePairs } from "../../support/guest-kit.ts";

let asker: Asker;
afterEach(() => asker?.close());

const int = (bytes: Buffer): number => Number(bytes.readBigInt64LE());
type Shown = string | number | null;
/** Text, the integer of eight bytes whose property is one, or null for NOT_FOUND. */
async function read(
  paths: readonly string[],
  when = "x-do",
  input: Parameters<Asker["ask"]>[1] = {},
  options: Parameters<typeof Asker.start>[0] = {},
): Promise<Shown[]> {
  asker = await Asker.start(options);
  const commands = paths.map((path) => `get ${path.replaceAll(".", "|")}`).join("; ");
  return asker.ask({ [when]: commands }, input).map(({ status, bytes }, at) => {
    if (status !== 0) return null;
    return INTS.test(paths[at] ?? "") ? int(bytes) : bytes.toString("latin1");
  });
}
const INTS =
  /\.(port|flags|code$|size|total_size|headers_bytes|duration|time|grpc_status|num_endpoints|request_attempt_count|worker|fuel_left|listener_direction|backend_latency)|^(listener_direction|connection_id)/;

describe("Envoy's attributes", () => {
  test("of a request on its way", async () => {
    const headers = { referer: "r", "user-agent": "ua", "x-a": ["1", "2"] };
    const input = { method: "PUT", path: "/a/b?c=d?e", authority: "h.test", headers };
    const paths = ["path", "url_path", "query", "host", "scheme", "method", "referer", "useragent", "protocol"];
    expect(await read([...paths.map((name) => `request.${name}`), "request.headers.x-a"], "x-do", input)).toEqual([
      "/a/b?c=d?e",
      "/a/b",
      "c=d?e",
      "h.test",
      "http",
      "PUT",
      "r",
      "ua",
      "HTTP/1.1",
      "1,2",
    ]);
  });

  test("sizes and durations are there at the end only", async () => {
    const names = [
      "request.duration",
      "request.size",
      "request.total_size",
      "response.size",
      "response.backend_latency",
    ];
    const facts: Partial<StreamFacts> = { durationMs: 1.5, requestBytes: 4, responseBytes: 6, upstreamMs: 1 };
    expect(await read(names, "x-do", { facts })).toEqual([null, null, null, null, null]);
    asker.close();
    const [duration, size, total, response, latency] = await read(names, "x-do-log", { facts });
    expect([duration, size, response, latency]).toEqual([1_500_000, 4, 6, 1_000_000]);
    expect(total).toBeGreaterThan(4);
  });

  test("of a response", async () => {
    const names = ["response.code", "response.flags", "response.code_details", "response.grpc_status"];
    const facts = { responseFlags: "UF,NC", responseCodeDetails: "via_upstream" };
    expect(await read(names, "x-do-response", { facts })).toEqual([200, 32 + 2 ** 24, "via_upstream", null]);
    asker.close();
    expect(await read(["response.code", "response.headers"])).toEqual([null, null]);
  });

  test("of the two connections; what only TLS has is not found", async () => {
    const facts = { sourceAddress: "::1", sourcePort: 5, connectionId: 9 };
    const there = ["source.address", "source.port", "destination.address", "destination.port", "connection.mtls"];
    const tls = ["connection.tls_version", "connection.requested_server_name", "connection.dns_san_peer_certificate"];
    expect(await read([...there, ...tls, "connection_id"], "x-do", { facts })).toEqual([
      "[::1]:5",
      5,
      "127.0.0.1:8080",
      8080,
      "\0",
      null,
      null,
      null,
      9,
    ]);
  });

  test("of the upstream, once it is chosen", async () => {
    const endpoint = { host: "10.0.0.1", port: 80, labels: { version: "v2" }, zone: "z1", weight: 1 };
    const facts = { upstreamAddress: "10.0.0.1", upstreamPort: 80, attempts: 2, upstreamEndpoint: endpoint };
    const names = ["upstream.address", "upstream.port", "upstream.request_attempt_count", "upstream.locality"];
    expect(await read(names)).toEqual([null, null, null, null]);
    asker.close();
    expect(await read(names, "x-do-response", { facts })).toEqual(["10.0.0.1:80", 80, 2, "/z1/"]);
  });

  test("an endpoint's labels are metadata of the upstream host", async () => {
    const endpoint = { host: "10.0.0.1", port: 80, labels: { version: "v2" }, zone: "z1", weight: 1 };
    asker = await Asker.start();
    const path = "upstream_host_metadata|filter_metadata|envoy.lb|version";
    const [leaf, whole] = asker.ask(
      { "x-do-response": `get ${path}; get xds|upstream_host_metadata|filter_metadata|envoy.lb` },
      { facts: { upstreamEndpoint: endpoint } },
    );
    expect(leaf?.bytes.toString()).toBe("v2");
    expect(readPairs(whole!.bytes)).toEqual([["version", "v2"]]);
  });

  test("of the mesh, and their older bare names", async () => {
    const names = ["xds.cluster_name", "xds.route_name", "cluster_name", "route_name", "listener_direction"];
    expect(await read(names)).toEqual(["test", "default", "test", "default", 1]);
  });

  test("of the node, by its leaves", async () => {
    const node = { id: "n1", region: "r1", zone: "", labels: { tier: "edge" } };
    const names = ["xds.node.id", "node.id", "xds.node.locality.region", "node.locality.zone", "node.metadata.tier"];
    expect(await read([...names, "xds.node", "node.cluster"], "x-do", {}, { node })).toEqual([
      "n1",
      "n1",
      "r1",
      null,
      "edge",
      null,
      null,
    ]);
  });

  test("what has no such name is not found", async () => {
    const names = [
      "request",
      "request.nothing",
      "request.toString",
      "toString",
      "request.path.deeper",
      "nothing.at.all",
    ];
    expect(await read(names)).toEqual(names.map(() => null));
  });
});

test("response flags are Envoy's bits", () => {
  expect(["", "UH", "UT", "UF", "UC", "UO", "NR", "DC", "DPE", "DT", "UPE", "NC", "OM"].map(flagBits)).toEqual([
    0,
    2,
    4,
    32,
    64,
    128,
    256,
    16_384,
    2 ** 18,
    2 ** 22,
    2 ** 23,
    2 ** 24,
    2 ** 25,
  ]);
});

describe("sluice's own", () => {
  test("version, worker, local reply, fuel, route configuration, load", async () => {
    const system = { load1: () => 1.5, cpu: () => 0.25, eventLoopLagP99: () => 3 };
    const names = ["sluice.plugin_version", "sluice.worker", "sluice.local_reply", "sluice.route.config"];
    expect(await read(names, "x-do-response", {}, { system })).toEqual([
      expect.stringMatching(/^0\.0\.0\+[0-9a-f]{12}$/),
      1,
      "\0",
      null,
    ]);
    const [load, cpu, lag, fuel] = asker.ask({
      "x-do":
        "get sluice|system|load1; get sluice|system|cpu; get sluice|system|eventloop_lag_p99; get sluice|fuel_left",
    });
    expect([load, cpu, lag].map((one) => one!.bytes.readDoubleLE())).toEqual([1.5, 0.25, 3]);
    expect(int(fuel!.bytes)).toBeGreaterThan(1_000_000);
    expect(int(fuel!.bytes)).toBeLessThan(10_000_000);
  });

  test("load is not found where nobody measures it", async () => {
    expect(await read(["sluice.system.load1", "sluice.system.nothing", "sluice.arm.x"])).toEqual([null, null, null]);
  });
});

describe("setting", () => {
  test("a value is read back by its path and in filter_state, by later filters too, and ends with the stream", async () => {
    asker = await Asker.start({ filters: 2 });
    const answers = asker.ask({
      "x-do": "get mine; set mine v; get mine; get filter_state|wasm.mine; set a|b w; get a|b",
    });
    const [first, second] = [answers.slice(0, 6), answers.slice(6)];
    expect(first.map(({ status }) => status)).toEqual([1, 0, 0, 0, 0, 0]);
    expect(first[3]?.bytes.toString()).toBe("v");
    expect(second[0]?.bytes.toString()).toBe("v");
    expect(asker.ask({ "x-do": "get mine" })[0]?.status).toBe(1);
  });

  test.each([
    "request|path",
    "request|duration",
    "cluster_name",
    "metadata",
    "filter_state|x",
    "plugin_name",
    "node|id",
    "sluice|arm|x",
    "xds|node",
  ])("%s is the host's own", async (path) => {
    asker = await Asker.start();
    const [set, why] = asker.ask({ "x-do": `set ${path} v; call sluice.explain` });
    expect(set?.status).toBe(2);
    expect(why?.bytes.toString()).toBe(`"${path.replaceAll("|", ".")}" is the host's own and cannot be set`);
  });

  test("names beside the attributes are free", () => {
    expect([["request", "mine"], ["mine"], ["request"]].map(isAttribute)).toEqual([false, false, false]);
  });

  test("is bounded", async () => {
    asker = await Asker.start();
    const many = Array.from({ length: 257 }, (_, at) => `set p${at} v`);
    const statuses = asker.ask({ "x-do": many.slice(0, 200).join("; "), "x-do-response": many.slice(200).join("; ") });
    expect(statuses.filter(({ status }) => status !== 0)).toHaveLength(1);
    expect(statuses.at(-1)?.status).toBe(2);
  });

  const declare = (name: string, readonly: number, span: number): string =>
    `call declare_property ${Buffer.concat([bytesField(1, name), intField(2, readonly), intField(5, span)]).toString("hex")}`;

  test("a property declared read-only takes one value per stream", async () => {
    asker = await Asker.start({ filter: { config: { run: declare("once", 1, 0) } } });
    expect(asker.answers().map(({ status }) => status)).toEqual([0]);
    const [first, second, value] = asker.ask({ "x-do": "set once a; set once b; get once" });
    expect([first?.status, second?.status, value?.bytes.toString()]).toEqual([0, 2, "a"]);
    expect(asker.ask({ "x-do": "set once c" })[0]?.status).toBe(0);
  });

  test("a property declared for the connection is there for its next request", async () => {
    asker = await Asker.start({ filter: { config: { run: declare("kept", 0, 2) } } });
    asker.answers();
    const facts = { connectionState: new ConnectionState() };
    asker.ask({ "x-do": "set kept v" }, { facts });
    expect(asker.ask({ "x-do": "get kept; get filter_state|wasm.kept" }, { facts })[0]?.bytes.toString()).toBe("v");
    expect(asker.ask({ "x-do": "get kept" })[0]?.status).toBe(1);
  });

  test("without a stream: NOT_FOUND", async () => {
    asker = await Asker.start({ filter: { config: { run: "set a b; get plugin_name; get request|path" } } });
    const [set, name, path] = asker.answers();
    expect([set?.status, name?.bytes.toString(), path?.status]).toEqual([1, "asker", 1]);
  });
});

describe("dynamic metadata", () => {
  const set = (namespace: string, key: string, value: string): string =>
    `call sluice.metadata_set ${writePairs([
      ["ns", namespace],
      ["key", key],
      ["value", value],
    ]).toString("hex")}`;

  test("is read by later filters: a leaf, a namespace, or the whole message", async () => {
    asker = await Asker.start({ filters: 2 });
    const commands = `${set("my.ns", "k", "v")}; get metadata|filter_metadata|my.ns|k; get metadata|filter_metadata|my.ns; get metadata`;
    const [, leaf, namespace, whole] = asker.ask({ "x-do": commands }).slice(4);
    expect(leaf?.bytes.toString()).toBe("v");
    expect(readPairs(namespace!.bytes)).toEqual([["k", "v"]]);
    // Metadata { filter_metadata { key: "my.ns" value { fields { key: "k" value { string_value: "v" } } } } }
    expect(whole?.bytes.toString("hex")).toBe("0a130a056d792e6e73120a0a080a016b12031a0176");
  });

  test("is not found before anybody has set it", async () => {
    expect(await read(["metadata", "metadata.filter_metadata.x.y"])).toEqual([null, null]);
  });
});

test("a decided route shows in cluster_name at once", async () => {
  asker = await Asker.start();
  const x = asker.harness.request({
    headers: {
      "x-do": `call sluice.route_set ${writePairs([["cluster", "blue"]]).toString("hex")}; get cluster_name`,
      "x-do-response": `call sluice.route_set ${writePairs([["cluster", "red"]]).toString("hex")}`,
    },
  });
  expect(asker.answers().map(({ status, bytes }) => `${status}${bytes.toString()}`)).toEqual(["0", "0blue"]);
  expect(x.routeDecision).toEqual({ cluster: "blue", by: { cluster: "asker@test" } });
  x.respond().end();
  expect(asker.answers()[0]?.status).toBe(2);
});

test("what a counter in flight counts is undone however the stream ends", async () => {
  asker = await Asker.start();
  const add = Buffer.concat([Buffer.from("0100000000000000", "hex"), Buffer.from("inflight:x")]).toString("hex");
  const none = Buffer.concat([Buffer.alloc(8), Buffer.from("inflight:x")]).toString("hex");
  const count = (): number => int(asker.ask({ "x-do": `call sluice.counter_add ${none}` })[0]!.bytes);
  const open = [1, 2].map(() => asker.harness.request({ headers: { "x-do": `call sluice.counter_add ${add}` } }));
  asker.answers();
  expect(count()).toBe(2);
  open[0]!.end();
  open[1]!.respond().end();
  expect(count()).toBe(0);
});
