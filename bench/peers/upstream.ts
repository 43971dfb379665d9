// The upstream where nginx is not installed: a small fixed answer. Argument: port.
import { createServer } from "node:http";

const headers = { "content-type": "text/plain", "content-length": "2" };
createServer({ keepAliveTimeout: 600_000 }, (_request, response) => response.writeHead(200, headers).end("ok")).listen(
  Number(process.argv[2]),
  "127.0.0.1",
);
