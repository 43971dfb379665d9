// Yardstick: node:http in front, undici's Pool.dispatch behind, one write per answer: what a careful author would write
// without a codec of his own. Arguments: port, upstream port.
import { type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { type Dispatcher, Pool } from "undici";

const [port, upstream] = process.argv.slice(2).map(Number);
const pool = new Pool(`http://127.0.0.1:${upstream}`, { connections: 128, pipelining: 1 });
const HOP_BY_HOP = new Set(["connection", "keep-alive", "proxy-connection", "te", "transfer-encoding", "upgrade"]);

/** Name, value, name, value: all but what belongs to the client's own connection. */
function forwarded(raw: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < raw.length; at += 2) {
    const name = raw[at] ?? "";
    if (!HOP_BY_HOP.has(name.toLowerCase())) kept.push(name, raw[at + 1] ?? "");
  }
  return kept;
}

class Handler implements Dispatcher.DispatchHandler {
  readonly #response: ServerResponse;
  #body: Buffer | null = null;

  constructor(response: ServerResponse) {
    this.#response = response;
  }

  onRequestStart(): void {}

  onResponseStart(_controller: Dispatcher.DispatchController, status: number, headers: Record<string, unknown>): void {
    const kept: Record<string, string | string[]> = {};
    for (const name in headers) if (!HOP_BY_HOP.has(name)) kept[name] = headers[name] as string | string[];
    this.#response.writeHead(status, kept);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    // Held back so that head and body leave with one write.
    if (this.#body !== null) this.#response.write(this.#body);
    this.#body = chunk;
  }

  onResponseEnd(): void {
    this.#response.end(this.#body ?? undefined);
  }

  onResponseError(): void {
    if (this.#response.headersSent) this.#response.destroy();
    else this.#response.writeHead(502).end();
  }
}

createServer((request: IncomingMessage, response: ServerResponse) => {
  const { url: path = "/", method = "GET" } = request;
  const body = method === "GET" || method === "HEAD" ? null : request;
  pool.dispatch(
    { path, method: method as Dispatcher.HttpMethod, headers: forwarded(request.rawHeaders), body },
    new Handler(response),
  );
}).listen(port, "127.0.0.1");
