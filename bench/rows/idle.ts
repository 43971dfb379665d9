// P16: what connections that do nothing cost in memory: 10 000 keep-alive connections, each of which has had one answer, over a
// proxy that has had one request.
import { type Socket, connect } from "node:net";
import { once } from "node:events";
import { type Bench, wants } from "../bench.ts";
import { usageOf } from "../measure/proc.ts";
import { type Row, rowOf, single } from "../row.ts";
import { startSluice } from "../subjects/sluice.ts";

const CONNECTIONS = 10_000;
/** Opened at a time: a listening socket's queue is not the question. */
const BATCH = 200;
const REQUEST = "GET / HTTP/1.1\r\nHost: bench\r\n\r\n";

export async function idleRows(bench: Bench): Promise<readonly Row[]> {
  if (!wants(bench, "P16")) return [];
  const subject = await startSluice(bench.folder, {
    name: "sluice-idle",
    upstream: bench.upstream.port,
    workers: 1,
    filters: {},
  });
  const sockets: Socket[] = [];
  try {
    const base = usageOf(subject.pid).rssBytes;
    while (sockets.length < CONNECTIONS) sockets.push(...(await open(subject.port, BATCH)));
    const grown = (usageOf(subject.pid).rssBytes - base) / 2 ** 20;
    const alive = sockets.filter(({ readyState }) => readyState === "open").length;
    return [
      rowOf({ id: "P16", what: `RSS of ${alive} idle connections`, unit: "MB", figure: single(grown), gate: 150 }),
      rowOf({
        id: "-",
        what: "idle connections that did not stay",
        unit: "",
        figure: single(CONNECTIONS - alive),
        gate: 0,
      }),
    ];
  } finally {
    for (const socket of sockets) socket.destroy();
    await subject.stop();
  }
}

function open(port: number, count: number): Promise<readonly Socket[]> {
  return Promise.all(Array.from({ length: count }, () => openOne(port)));
}

async function openOne(port: number): Promise<Socket> {
  const socket = connect({ port, host: "127.0.0.1" });
  socket.on("error", () => {});
  socket.write(REQUEST);
  await once(socket, "data");
  return socket;
}
