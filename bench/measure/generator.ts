// The generator for machines without wrk: the same closed loop on node:net. Arguments: port, connections, seconds. Prints a
// LoadResult as JSON. Heavier than wrk, so figures of different generators must not be compared.
import { type Socket, connect } from "node:net";
import { REQUEST_HEADERS } from "./load.ts";
import { percentile } from "./statistics.ts";

const [port = 0, connections = 64, seconds = 1] = process.argv.slice(2).map(Number);
const lines = REQUEST_HEADERS.map(([name, value]) => `${name}: ${value}\r\n`).join("");
const request = `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n${lines}\r\n`;
const latencies: number[] = [];
let requests = 0;
let failed = 0;
let stopping = false;

/** Whole answers with a Content-Length only, which is all the bench's upstream sends. -1 = more is to come. */
function lengthOf(text: string): number {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return -1;
  const body = Number(/\r\ncontent-length: (\d+)/i.exec(text)?.[1] ?? 0);
  return text.length >= end + 4 + body ? end + 4 + body : -1;
}

function drive(socket: Socket): void {
  let text = "";
  let sentMs = 0;
  const send = (): void => {
    sentMs = performance.now();
    socket.write(request, "latin1");
  };
  socket.setEncoding("latin1").on("data", (chunk: string) => {
    text += chunk;
    const length = lengthOf(text);
    if (length < 0) return;
    if (!text.startsWith("HTTP/1.1 2")) failed++;
    text = text.slice(length);
    requests++;
    latencies.push(performance.now() - sentMs);
    if (stopping) socket.end();
    else send();
  });
  socket.on("connect", send).on("error", () => failed++);
}

for (let at = 0; at < connections; at++) drive(connect({ port, host: "127.0.0.1", noDelay: true }));
setTimeout(() => (stopping = true), seconds * 1000);
process.once("beforeExit", () => {
  const [p50Ms, p99Ms] = requests === 0 ? [0, 0] : [percentile(latencies, 50), percentile(latencies, 99)];
  console.log(JSON.stringify({ requests, failed, p50Ms, p99Ms }));
});
