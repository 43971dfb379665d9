// gRPC call-outs to a cluster with TLS, against a server by another hand.
import { Server, ServerCredentials, type sendUnaryData } from "@grpc/grpc-js";
import { createServer } from "node:tls";
import type { AddressInfo } from "node:net";
import { afterEach, describe, expect, test } from "vitest";
import { systemClock } from "../../../host/base/clock.ts";
import { seededRandom } from "../../../host/base/random.ts";
import { TimerWheel } from "../../../host/base/timer-wheel.ts";
import { createGrpc } from "../../../host/net/grpc/port.ts";
import { MetricRegistry } from "../../../host/observe/metrics.ts";
import type { ClientTlsOptions } from "../../../host/tls/options.ts";
import { Cluster } from "../../../host/upstream/cluster.ts";
import { clusterOptions } from "../../support/proxy.ts";
import { authority, clientTls, local } from "../../support/tls.ts";
import { expectNoSockets, until } from "../../support/wire.ts";

afterEach(expectNoSockets);

const same = (bytes: Buffer): Buffer => bytes;
const SAY = {
  path: "/test.Echo/Say",
  requestStream: false,
  responseStream: false,
  requestSerialize: same,
  requestDeserialize: same,
  responseSerialize: same,
  responseDeserialize: same,
};

async function secureServer(checkClients: boolean): Promise<{ port: number } & AsyncDisposable> {
  const server = new Server();
  const Say = (call: { request: Buffer; getHost(): string }, done: sendUnaryData<Buffer>): void =>
    done(null, Buffer.concat([Buffer.from("re "), call.request]));
  server.addService({ Say: SAY }, { Say });
  const pair = { private_key: Buffer.from(local.key), cert_chain: Buffer.from(local.cert) };
  const credentials = ServerCredentials.createSsl(Buffer.from(authority.cert), [pair], checkClients);
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync("127.0.0.1:0", credentials, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  return { port, [Symbol.asyncDispose]: async () => server.forceShutdown() };
}

interface Outcome {
  readonly status: number;
  readonly text: string;
  readonly message: string;
}

async function say(port: number, tls: Partial<ClientTlsOptions> = {}): Promise<Outcome> {
  const clock = systemClock;
  const wheel = new TimerWheel(clock);
  const options = { ...clusterOptions([port]), tls: clientTls(tls) };
  const cluster = new Cluster(options, { clock, wheel, random: seededRandom(1), registry: new MetricRegistry() });
  let message = "";
  const outcome = await new Promise<Outcome>((resolve) => {
    const grpc = createGrpc({ cluster: () => cluster, clock, wheel });
    const call = grpc.start(
      { cluster: "up", path: SAY.path, metadata: [], timeoutMs: 5000 },
      {
        initialMetadata() {},
        message: (bytes) => (message = bytes.toString()),
        trailingMetadata() {},
        closed: (status, text) => resolve({ status, text, message }),
      },
    );
    call.send(Buffer.from("hello"));
    call.close();
  });
  cluster.close();
  await until(() => cluster.endpoints[0]!.connections === 0, "the end of the connection");
  return outcome;
}

describe("gRPC over TLS", () => {
  test("a call is answered", async () => {
    await using server = await secureServer(false);
    expect(await say(server.port)).toEqual({ status: 0, text: "OK", message: "re hello" });
  });

  test("with a client certificate, and not without", async () => {
    await using server = await secureServer(true);
    const { cert, key } = authority.issue({ name: "proxy" });
    expect(await say(server.port, { certificate: cert, privateKey: key })).toMatchObject({ status: 0 });
    expect(await say(server.port)).toMatchObject({ status: 14 });
  });

  test("a server that is not believed is UNAVAILABLE, with the reason", async () => {
    await using server = await secureServer(false);
    const outcome = await say(server.port, { verifyNames: ["other.example"] });
    expect(outcome.status).toBe(14);
    expect(outcome.text).toContain("ERR_TLS_CERT_ALTNAME_INVALID");
  });

  test("a server that does not agree on HTTP/2 is UNAVAILABLE", async () => {
    const server = createServer({ cert: local.cert, key: local.key }, (socket) =>
      socket.on("error", () => {}).resume(),
    );
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const outcome = await say((server.address() as AddressInfo).port);
    expect(outcome).toMatchObject({ status: 14 });
    expect(outcome.text).toContain("does not speak HTTP/2");
    await new Promise((closed) => server.close(closed));
  });
});
