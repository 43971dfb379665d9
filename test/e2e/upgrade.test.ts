// A WebSocket across swaps: it keeps the version of its filters for as long as it lasts, past the drain deadline of a reload.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { WebSocket, WebSocketServer } from "ws";
import { guest, withNonce } from "../support/modules.ts";
import { startProxy, type TestProxy } from "../support/sluice.ts";

let proxy: TestProxy | null = null;
const server = createServer();
const sockets = new WebSocketServer({ server });
sockets.on("connection", (socket) => socket.on("message", (data: Buffer) => socket.send(`echo ${data.toString()}`)));

afterEach(async () => {
  await proxy?.stop();
  proxy = null;
  for (const socket of sockets.clients) socket.terminate();
  await new Promise((closed) => server.close(closed));
});

test("the generation of a WebSocket drains for as long as the socket is open, and new ones meet the new version", async () => {
  await new Promise<void>((ready) => server.listen(0, "127.0.0.1", ready));
  const stamp = await guest("stamp");
  const p = await startProxy({
    chain: ["stamp"],
    workers: 1,
    listener: { upgrades: ["websocket"] },
    files: { "stamp.wasm": stamp },
    config: {
      drainTimeout: "100ms",
      clusters: [{ name: "web", endpoints: [{ address: `127.0.0.1:${(server.address() as AddressInfo).port}` }] }],
      filters: [{ name: "stamp", source: "./stamp.wasm", pluginConfig: { word: "one" } }],
    },
  });
  proxy = p;
  const open = async (): Promise<{ socket: WebSocket; version: string }> => {
    const socket = new WebSocket(`ws://127.0.0.1:${p.port}/`);
    let version = "";
    socket.once("upgrade", (answer) => (version = String(answer.headers["x-version"])));
    await new Promise((opened, failed) => socket.once("open", opened).once("error", failed));
    return { socket, version };
  };
  const say = (socket: WebSocket, text: string): Promise<string> =>
    new Promise((heard) => {
      socket.once("message", (data: Buffer) => heard(data.toString()));
      socket.send(text);
    });
  const states = async (): Promise<string[]> => {
    const [status] = await p.control.filters();
    return (status?.versions ?? []).map((one) => `${one.version} ${one.state} ${one.inFlight}`);
  };
  const old = await open();
  expect(old.version).toBe("one");
  await p.control.upload("stamp", withNonce(stamp, 1), { swap: true, pluginConfig: '{"word":"two"}' });
  const fresh = await open();
  expect(fresh.version).toBe("two");
  const startMs = performance.now();
  while (performance.now() < startMs + 400) expect(await say(old.socket, "still")).toBe("echo still");
  expect(await states()).toEqual(["v1 draining 1", "v2 live 1"]);
  old.socket.close();
  await new Promise((closed) => old.socket.once("close", closed));
  let seen: readonly string[] = [];
  const endMs = performance.now() + 3000;
  while (performance.now() < endMs && !seen.includes("v1 stored 0")) seen = await states();
  expect(seen).toEqual(["v1 stored 0", "v2 live 1"]);
  fresh.socket.close();
  await new Promise((closed) => fresh.socket.once("close", closed));
});
