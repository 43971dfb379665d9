// The cap on connections of the whole process, over two data threads and two listeners, and across the death of a thread.
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { spawnWorker } from "../../host/control/spawn.ts";
import type { SpawnThread, ThreadHandle } from "../../host/control/threads.ts";
import { startProxy, type TestProxy } from "../support/sluice.ts";

let proxy: TestProxy | null = null;
const sockets: Socket[] = [];
afterEach(async () => {
  for (const socket of sockets) socket.destroy();
  await proxy?.stop();
  proxy = null;
});

/** Whether a connection was kept: an answer comes over it. */
function isServed(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect(port, "127.0.0.1");
    sockets.push(socket);
    socket.on("error", () => done(false));
    socket.on("close", () => done(false));
    socket.once("data", () => done(true));
    socket.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  });
}

test("connections beyond it are closed at once, counted, and taken again when there is room", async () => {
  const listener = (name: string) => ({
    name,
    address: "127.0.0.1:0",
    filters: [],
    routes: [{ name: "all", match: { prefix: "/" }, directResponse: { status: 200, body: "ok" } }],
  });
  const handles = new Map<number, ThreadHandle>();
  const spawn: SpawnThread = (init) => {
    const handle = spawnWorker(init);
    handles.set(init.threadId, handle);
    return handle;
  };
  const p = await startProxy({
    chain: [],
    spawn,
    workers: 2,
    config: { maxConnections: 6, listeners: [listener("a"), listener("b")] },
  });
  proxy = p;
  const ports = (await p.control.listeners()).map(({ address }) => Number(address.split(":").at(-1)));
  const count = async (most: number): Promise<number> => {
    let served = 0;
    for (let at = 0; at < most; at++) if (await isServed(ports[at % 2]!)) served++;
    return served;
  };
  const refused = async (): Promise<number> =>
    (await p.control.metrics())
      .filter(({ name }) => name === "sluice_process_cx_overflow_total")
      .reduce((sum, { value }) => sum + Number(value), 0);
  expect(await count(10)).toBe(6);
  expect(await refused()).toBe(4);
  const gone = sockets.filter((socket) => !socket.destroyed).slice(0, 2);
  for (const socket of gone) socket.destroy();
  let freed = 0;
  for (const end = performance.now() + 5000; freed < 2 && performance.now() < end;)
    if (await isServed(ports[0]!)) freed++;
  expect(freed).toBe(2);
  expect(await count(2)).toBe(0);
  // Both threads die with all they hold; their successors may take as many.
  for (const [id, handle] of handles) {
    handle.terminate();
    await p.event(({ type, data }) => type === "thread" && data?.["threadId"] === id);
  }
  for (const end = performance.now() + 10_000; performance.now() < end && handles.size < 2;) await isServed(ports[0]!);
  let again = 0;
  for (const end = performance.now() + 10_000; again < 6 && performance.now() < end;)
    if (await isServed(ports[0]!)) again++;
  expect(again).toBe(6);
  expect(await isServed(ports[1]!)).toBe(false);
});
