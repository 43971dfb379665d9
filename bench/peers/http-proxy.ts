// Yardstick: http-proxy with a keep-alive agent, as its documentation shows it. Arguments: port, upstream port.
import { Agent, type IncomingMessage, type ServerResponse, createServer } from "node:http";
import { createRequire } from "node:module";

interface HttpProxy {
  web(request: IncomingMessage, response: ServerResponse): void;
  on(event: "error", listener: (error: Error, request: IncomingMessage, response: ServerResponse) => void): void;
}
// The package has no types of its own.
const { createProxyServer } = createRequire(import.meta.url)("http-proxy") as {
  createProxyServer(options: { readonly target: string; readonly agent: Agent }): HttpProxy;
};

const [port, upstream] = process.argv.slice(2).map(Number);
const agent = new Agent({ keepAlive: true, maxSockets: 256 });
const proxy = createProxyServer({ target: `http://127.0.0.1:${upstream}`, agent });
proxy.on("error", (_error, _request, response) => response.writeHead(502).end());
createServer((request, response) => proxy.web(request, response)).listen(port, "127.0.0.1");
