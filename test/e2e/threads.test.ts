// Data threads share state, and one that dies is replaced without stopping the others.
import { afterEach, expect, test } from "vitest";
import { guest } from "../support/modules.ts";
import { startProxy, type TestProxy } from "../support/sluice.ts";
import { dial, until, type Client } from "../support/wire.ts";
import { spawnWorker } from "../../host/control/spawn.ts";
import type { ThreadHandle } from "../../host/control/threads.ts";

let proxy: TestProxy | null = null;
afterEach(async () => {
  await proxy?.stop();
  proxy = null;
});

test("a data thread that dies is replaced; its successor serves the committed versions", async () => {
  const handles = new Map<number, ThreadHandle>();
  const stamp = await guest("stamp");
  proxy = await startProxy({
    chain: ["stamp"],
    files: { "stamp.wasm": stamp },
    config: { filters: [{ name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } }] },
    spawn: (init) => {
      const handle = spawnWorker(init);
      handles.set(init.threadId, handle);
      return handle;
    },
  });
  const p = proxy;
  await p.control.upload("stamp", stamp, { swap: true, pluginConfig: '{"word":"two"}' });
  handles.get(1)?.terminate();
  await p.event((event) => event.type === "thread");
  // The listener of the dead thread is gone at once; its connections may fail, new ones reach the living thread.
  const answers: string[] = [];
  for (let round = 0; round < 40; round++) {
    const answer = await p.get().catch(() => null);
    if (answer !== null) answers.push(String(answer.headers["x-version"]));
  }
  expect(new Set(answers)).toEqual(new Set(["two"]));
  const threads = (await p.control.metrics()).find((sample) => sample.name === "sluice_data_threads");
  expect(threads?.value).toBe(2);
  const listeners = await p.control.listeners();
  expect(listeners[0]?.address).toBe(`127.0.0.1:${p.port}`);
});

test("under load only the connections of the thread that dies are lost", async () => {
  const handles = new Map<number, ThreadHandle>();
  proxy = await startProxy({
    chain: [],
    config: {},
    spawn: (init) => {
      const handle = spawnWorker(init);
      handles.set(init.threadId, handle);
      return handle;
    },
  });
  const p = proxy;
  const clients = await Promise.all(Array.from({ length: 60 }, () => dial(p.port)));
  /** One request and its whole answer; false when the connection ended instead. */
  const ask = async (client: Client): Promise<boolean> => {
    client.text = "";
    client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
    await until(() => client.text.endsWith("\r\n\r\nok") || client.closed, "an answer");
    return client.text.startsWith("HTTP/1.1 200 ") && client.text.endsWith("\r\n\r\nok");
  };
  expect(await Promise.all(clients.map(ask))).not.toContain(false);
  const load = { stopped: false };
  const answered = new Map<Client, number>();
  const loops = clients.map(async (client) => {
    while (!load.stopped && (await ask(client))) answered.set(client, (answered.get(client) ?? 0) + 1);
  });
  await until(() => clients.every((client) => (answered.get(client) ?? 0) > 3), "some load");
  handles.get(1)?.terminate();
  await p.event((event) => event.type === "thread");
  const then = new Map(answered);
  const left = clients.filter((client) => !client.closed);
  await until(
    () => left.every((client) => client.closed || (answered.get(client) ?? 0) > (then.get(client) ?? 0) + 3),
    "more load",
  );
  load.stopped = true;
  await Promise.all(loops);
  const alive = clients.filter((client) => !client.closed);
  // The kernel has spread 60 connections over both threads; whoever was on the other one has not lost an answer.
  expect(alive.length).toBeGreaterThan(0);
  expect(alive.length).toBeLessThan(60);
  const open = (await p.control.listeners()).reduce((sum, listener) => sum + listener.connections, 0);
  expect(open).toBe(alive.length);
  expect(await Promise.all(alive.map(ask))).not.toContain(false);
  for (const { socket } of clients) socket.destroy();
});

test("a second sluice on a taken port is refused with a sentence, not silently bound beside it", async () => {
  const stamp = await guest("stamp");
  const setup = {
    chain: ["stamp"],
    files: { "stamp.wasm": stamp },
    config: { filters: [{ name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } }] },
  };
  proxy = await startProxy(setup);
  const second = startProxy({ ...setup, listener: { address: `127.0.0.1:${proxy.port}` } });
  await expect(second).rejects.toThrow(new RegExp(`127.0.0.1:${proxy.port} is in use`));
});
