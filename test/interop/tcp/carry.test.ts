// TCP connections on real sockets, without filters: bytes, half-closes, resets, limits and their traces.
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import { Pool } from "undici";
import { afterEach, describe, expect, test } from "vitest";
import { seededRandom } from "../../../host/base/random.ts";
import { TcpFilterChain } from "../../../host/chain/template.ts";
import { closedPort, dialRaw, pour, Sink, startTcp, startUpstream, untilStill } from "../../support/tcp.ts";
import { dial, expectNoSockets, until } from "../../support/wire.ts";

const MiB = 1024 * 1024;
const echo = (socket: Socket): void => void socket.pipe(socket);

afterEach(expectNoSockets);

describe("carrying", () => {
  test("bytes reach the upstream and come back, and the facts say how many", async () => {
    await using upstream = await startUpstream(echo);
    await using proxy = await startTcp({ upstreams: [upstream.port] });
    const client = await dial(proxy.port, { allowHalfOpen: true });
    client.send("hello");
    await client.waitFor("hello");
    expect(proxy.listener.connections).toBe(1);
    expect(proxy.cluster.status()[0]).toMatchObject({ active: 1, connections: 1, idle: 0, requests: 1 });
    client.socket.end();
    await client.waitForEnd();
    const facts = await proxy.ended();
    expect(facts).toMatchObject({
      protocol: "TCP",
      clusterName: "up",
      upstreamAddress: "127.0.0.1",
      upstreamPort: upstream.port,
      requestBytes: 5,
      responseBytes: 5,
      attempts: 1,
      responseFlags: "",
      responseCodeDetails: "via_upstream",
    });
    expect(proxy.metric("sluice_tcp_downstream_cx_total")).toBe(1);
    expect(proxy.metric("sluice_tcp_downstream_cx_active")).toBe(0);
    expect(proxy.metric("sluice_tcp_downstream_cx_rx_bytes_total")).toBe(5);
    expect(proxy.metric("sluice_tcp_downstream_cx_tx_bytes_total")).toBe(5);
    expect(proxy.metric("sluice_tcp_connections_closed_total")).toBe(0);
    expect(proxy.cluster.status()[0]).toMatchObject({ active: 0, connections: 0, failures: 0 });
    expect(proxy.wheel.size).toBe(0);
  });

  test("the client's FIN passes, and the upstream may answer long after it", async () => {
    await using upstream = await startUpstream();
    await using proxy = await startTcp({ upstreams: [upstream.port] });
    const client = await dial(proxy.port, { allowHalfOpen: true });
    client.socket.end("question");
    const socket = await upstream.first();
    let asked = "";
    let ended = false;
    socket.setEncoding("latin1").on("data", (text: string) => (asked += text));
    socket.on("end", () => (ended = true));
    await until(() => ended, "the client's FIN");
    expect([asked, client.ended]).toEqual(["question", false]);
    socket.end("answer");
    expect(await client.waitForEnd()).toBe("answer");
    await proxy.ended();
  });

  test("the upstream's FIN passes, and the client may go on sending", async () => {
    await using upstream = await startUpstream((socket) => void socket.end("banner"));
    await using proxy = await startTcp({ upstreams: [upstream.port] });
    const client = await dial(proxy.port, { allowHalfOpen: true });
    expect(await client.waitForEnd()).toBe("banner");
    const socket = await upstream.first();
    let told = "";
    socket.setEncoding("latin1").on("data", (text: string) => (told += text));
    client.send("still ");
    await until(() => told === "still ", "the first part");
    client.socket.end("here");
    await until(() => told === "still here", "all of it");
    expect((await proxy.ended()).responseCodeDetails).toBe("via_upstream");
  });

  test("what the client says and finishes before the upstream is connected arrives whole", async () => {
    await using upstream = await startUpstream();
    await using proxy = await startTcp({ upstreams: [upstream.port], bufferBytes: 16 });
    const client = await dial(proxy.port, { allowHalfOpen: true });
    client.socket.end("x".repeat(5000));
    const socket = await upstream.first();
    let bytes = 0;
    socket.on("data", (chunk: Buffer) => (bytes += chunk.length));
    await until(() => bytes === 5000, "all bytes");
    socket.end();
    await proxy.ended();
  });

  test("20 MiB each way at once, every byte in its place", async () => {
    const sinks: Sink[] = [];
    await using upstream = await startUpstream((socket) => {
      sinks.push(new Sink(socket));
      pour(socket, 20 * MiB);
    });
    await using proxy = await startTcp({ upstreams: [upstream.port] });
    const client = await dialRaw(proxy.port);
    const sink = new Sink(client);
    pour(client, 20 * MiB);
    await until(() => sink.ended && sinks[0]?.ended === true, "both ends", 30_000);
    expect([sink.received, sink.wrong]).toEqual([20 * MiB, 0]);
    expect([sinks[0]?.received, sinks[0]?.wrong]).toEqual([20 * MiB, 0]);
  });

  test.each(["client", "upstream"] as const)(
    "a %s that does not read stops the other side, and memory stays small",
    async (slow) => {
      let poured: Socket | undefined;
      await using upstream = await startUpstream();
      await using proxy = await startTcp({ upstreams: [upstream.port] });
      const client = await dialRaw(proxy.port);
      const server = await upstream.first();
      const [reader, writer] = slow === "client" ? [client, server] : [server, client];
      poured = writer;
      const before = process.memoryUsage().arrayBuffers;
      pour(writer, 64 * MiB);
      await until(() => proxy.metric("sluice_tcp_flow_control_paused_reading_total") > 0, "reading to stop");
      // Whatever still moves is on its way into kernel buffers: wait until nothing does.
      await untilStill(() => writer.bytesWritten - writer.writableLength);
      const moved = writer.bytesWritten - writer.writableLength;
      expect(moved).toBeLessThan(32 * MiB);
      // The writer's own queue and ours are one buffer each; what the kernel holds is not ours.
      expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * MiB);
      const sink = new Sink(reader);
      await until(() => sink.ended, "the rest", 30_000);
      expect([sink.received, sink.wrong]).toEqual([64 * MiB, 0]);
      reader.end();
      await proxy.ended();
      expect(poured.writableLength).toBe(0);
    },
  );
});

describe("real peers", () => {
  test("an HTTP client and an HTTP server speak through it, connections kept alive", async () => {
    const server = createHttpServer((request, response) => void request.pipe(response));
    await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
    const { port } = server.address() as AddressInfo;
    {
      await using proxy = await startTcp({ upstreams: [port] });
      const pool = new Pool(`http://127.0.0.1:${proxy.port}`, { connections: 4 });
      const bodies = Array.from({ length: 100 }, (_, at) => `${at} `.repeat(at * 50));
      const answers = await Promise.all(
        bodies.map(async (body) => (await pool.request({ path: "/", method: "POST", body })).body.text()),
      );
      expect(answers).toEqual(bodies);
      expect(proxy.metric("sluice_tcp_downstream_cx_total")).toBeLessThanOrEqual(4);
      await pool.close();
      await until(() => proxy.listener.connections === 0, "the pool's end");
      expect(proxy.finished.map(({ responseCodeDetails }) => responseCodeDetails)).toContain("via_upstream");
    }
    server.closeAllConnections();
    await new Promise((closed) => server.close(closed));
  });
});

describe("failures", () => {
  test("a refused upstream closes the connection: UF", async () => {
    await using proxy = await startTcp({ upstreams: [await closedPort()] });
    const client = await dial(proxy.port);
    await client.waitForEnd();
    expect(await proxy.ended()).toMatchObject({
      responseFlags: "UF",
      responseCodeDetails: "upstream_connect_failure",
      attempts: 1,
    });
    expect(proxy.metric("sluice_tcp_connections_closed_total", { reason: "upstream_connect_failure" })).toBe(1);
    expect(proxy.cluster.status()[0]).toMatchObject({ active: 0, connections: 0, failures: 1 });
  });

  test("with maxConnectAttempts another endpoint is tried", async () => {
    await using upstream = await startUpstream(echo);
    await using proxy = await startTcp({
      upstreams: [await closedPort(), upstream.port],
      tcp: { maxConnectAttempts: 2 },
    });
    // Round robin: one of two connections meets the closed port first.
    const clients = [await dial(proxy.port), await dial(proxy.port)];
    for (const client of clients) {
      client.send("hi");
      await client.waitFor("hi");
      client.socket.end();
    }
    await until(() => proxy.finished.length === 2, "both ends");
    expect(proxy.finished.map(({ attempts }) => attempts).sort()).toEqual([1, 2]);
  });

  test("tries end with maxConnectAttempts", async () => {
    await using proxy = await startTcp({ upstreams: [await closedPort()], tcp: { maxConnectAttempts: 3 } });
    await (await dial(proxy.port)).waitForEnd();
    expect(await proxy.ended()).toMatchObject({ attempts: 3, responseFlags: "UF" });
  });

  test("an unknown cluster is NC, one without endpoints UH, a full one UO", async () => {
    const upstream = await startUpstream();
    const cases = [
      [{ upstreams: [upstream.port], tcp: { cluster: "nobody" } }, "NC", "cluster_not_found"],
      [{ upstreams: [] }, "UH", "no_healthy_upstream"],
      [{ upstreams: [upstream.port], cluster: { maxConnections: 0 } }, "UO", "upstream_overflow"],
    ] as const;
    for (const [setup, flag, details] of cases) {
      await using proxy = await startTcp(setup);
      await (await dial(proxy.port)).waitForEnd();
      expect(await proxy.ended()).toMatchObject({ responseFlags: flag, responseCodeDetails: details });
    }
    await upstream[Symbol.asyncDispose]();
  });

  test("an upstream that dies in the middle resets the client, so that half an answer does not look whole", async () => {
    await using upstream = await startUpstream();
    await using proxy = await startTcp({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    const socket = await upstream.first();
    socket.write("half");
    await client.waitFor("half");
    socket.resetAndDestroy();
    await until(() => client.closed, "the client's end");
    expect([client.reset, client.ended]).toEqual([true, false]);
    expect(await proxy.ended()).toMatchObject({ responseFlags: "UC", responseCodeDetails: "upstream_reset" });
  });

  test("a client that dies resets the upstream: DC", async () => {
    await using upstream = await startUpstream();
    await using proxy = await startTcp({ upstreams: [upstream.port] });
    const client = await dial(proxy.port);
    const socket = await upstream.first();
    let code = "";
    socket.resume().on("error", (error: NodeJS.ErrnoException) => (code = error.code ?? ""));
    client.socket.resetAndDestroy();
    await until(() => socket.destroyed, "the upstream's end");
    expect(code).toBe("ECONNRESET");
    expect(await proxy.ended()).toMatchObject({ responseFlags: "DC", responseCodeDetails: "downstream_disconnect" });
  });

  test("a client that dies while the upstream is dialled leaves nothing behind", async () => {
    await using upstream = await startUpstream();
    await using proxy = await startTcp({ upstreams: [upstream.port] });
    const clients = await Promise.all([dial(proxy.port), dial(proxy.port), dial(proxy.port)]);
    for (const client of clients) client.socket.resetAndDestroy();
    await until(() => proxy.finished.length === 3, "all ends");
    await until(() => proxy.cluster.connections === 0, "no dial");
    expect(proxy.wheel.size).toBe(0);
  });

  test("a client that hangs up on the answer has still said what it said", async () => {
    await using upstream = await startUpstream();
    await using proxy = await startTcp({ upstreams: [upstream.port] });
    const client = await dialRaw(proxy.port);
    const socket = await upstream.first();
    const sink = new Sink(socket);
    pour(client, 2 * MiB);
    await until(() => sink.ended, "the client's FIN");
    expect([sink.received, sink.wrong]).toEqual([2 * MiB, 0]);
    client.destroy();
    await until(() => {
      if (!socket.destroyed) socket.write("answer");
      return proxy.finished.length > 0;
    }, "the end of the connection");
    expect(await proxy.ended()).toMatchObject({ requestBytes: 2 * MiB, responseFlags: "DC" });
  });

  test("silence longer than idleTimeout ends the connection, bytes put it off", async () => {
    await using upstream = await startUpstream(echo);
    await using proxy = await startTcp({ upstreams: [upstream.port], tcp: { idleTimeoutMs: 150 } });
    const client = await dial(proxy.port);
    const started = performance.now();
    for (let round = 1; round <= 4; round++) {
      client.send("x");
      await until(() => client.text.length === round && performance.now() - started > round * 60, "an echo");
    }
    expect(client.closed).toBe(false);
    await until(() => client.closed, "the idle timeout");
    expect((await proxy.ended()).responseCodeDetails).toBe("idle_timeout");
    expect(proxy.metric("sluice_tcp_idle_timeout_total")).toBe(1);
  });
});

describe("chaos", () => {
  test("whatever client and upstream do to each other, nothing is left behind", async () => {
    const random = seededRandom(11);
    const act = (socket: Socket): void => {
      socket.resume();
      for (let step = 0; step < 4; step++) {
        const kind = Math.floor(random.fraction() * 8);
        if (kind < 3 && socket.writable) socket.write(Buffer.alloc(Math.floor(random.fraction() * 200_000)));
        if (kind === 3) socket.end();
        if (kind === 4) socket.pause();
        if (kind === 5) setImmediate(() => socket.resetAndDestroy());
        if (kind === 6) setImmediate(() => socket.destroy());
        if (kind === 7) setImmediate(() => socket.writable && socket.write("late"));
      }
      setImmediate(() => socket.resume().end());
    };
    let [streams, begun] = [0, 0];
    const counter = { streamBegan: () => void (streams++, begun++), streamEnded: () => void streams-- };
    await using upstream = await startUpstream(act);
    await using proxy = await startTcp({
      upstreams: [upstream.port, await closedPort()],
      tcp: { maxConnectAttempts: 2 },
      bufferBytes: 8192,
      chain: new TcpFilterChain([], counter),
    });
    for (let round = 0; round < 10; round++) {
      const clients = await Promise.all(Array.from({ length: 30 }, () => dialRaw(proxy.port)));
      for (const client of clients) act(client);
      await until(() => clients.every(({ destroyed }) => destroyed), "all clients", 10_000);
    }
    await until(() => proxy.listener.connections === 0 && streams === 0, "the last connection", 10_000);
    await until(() => proxy.cluster.connections === 0, "the last dial");
    expect([begun, proxy.finished.length, proxy.wheel.size]).toEqual([300, 300, 0]);
    expect(proxy.cluster.status().map(({ active, connections }) => [active, connections])).toEqual([
      [0, 0],
      [0, 0],
    ]);
    expect(proxy.metric("sluice_tcp_downstream_cx_active")).toBe(0);
  });
});

describe("draining", () => {
  test("accepted connections go on, new ones are refused, and the rest is cut at the deadline", async () => {
    await using upstream = await startUpstream(echo);
    await using proxy = await startTcp({ upstreams: [upstream.port] });
    const [leaves, stays] = [await dial(proxy.port), await dial(proxy.port)];
    const drained = proxy.listener.drain(1500);
    await until(() => proxy.listener.connections === 2, "both");
    const began = performance.now();
    await until(() => performance.now() - began > 200, "the quiet time before the listener closes");
    await expect(dial(proxy.port)).rejects.toThrow("ECONNREFUSED");
    leaves.send("still served");
    await leaves.waitFor("still served");
    leaves.socket.end();
    await leaves.waitForEnd();
    stays.send("me too");
    await stays.waitFor("me too");
    await drained;
    expect(proxy.finished.map(({ responseCodeDetails }) => responseCodeDetails)).toEqual([
      "via_upstream",
      "drain_timeout",
    ]);
  });
});
