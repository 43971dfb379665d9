// Toy servers for the demo and for `sluice run x.wasm`: they answer every request with what they saw. Loopback only.
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "../base/clock.ts";
import type { Random } from "../base/random.ts";

export interface UpstreamOptions {
  readonly name: string;
  /** Answers take from 0 up to so long, most of them little. */
  readonly slowMs: number;
  /** Share of answers with status 500, 0-1. */
  readonly errorRatio: number;
}

export interface Upstream {
  readonly name: string;
  readonly port: number;
  close(): Promise<void>;
}

/** Where time and chance come from. */
export interface Nature {
  readonly clock: Clock;
  readonly random: Random;
}

/** The three of the demo: one quick, one slow, one that fails now and then. */
export const TOY_UPSTREAMS: readonly UpstreamOptions[] = [
  { name: "web", slowMs: 5, errorRatio: 0 },
  { name: "orders", slowMs: 40, errorRatio: 0 },
  { name: "orders-next", slowMs: 20, errorRatio: 0.02 },
];

function answer(name: string, request: IncomingMessage, isError: boolean): string {
  const { method, url, headers } = request;
  return `${JSON.stringify({ upstream: name, method, path: url, ...(isError ? { error: "toy failure" } : {}), headers })}\n`;
}

function respond(
  options: UpstreamOptions,
  nature: Nature,
): (request: IncomingMessage, response: ServerResponse) => void {
  return (request, response) => {
    // The body is of no interest, but an unread one would hold the connection.
    request.resume();
    const isError = nature.random.fraction() < options.errorRatio;
    const finish = (): void => {
      response.writeHead(isError ? 500 : 200, { "content-type": "application/json", "x-upstream": options.name });
      response.end(answer(options.name, request, isError));
    };
    // Squared: most answers are quick, a few are not, as in real services.
    const waitMs = options.slowMs * nature.random.fraction() ** 2;
    if (waitMs < 1) finish();
    else nature.clock.after(waitMs, finish);
  };
}

function listen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => resolve((server.address() as AddressInfo).port));
  });
}

/** Starts one on a free port. */
export async function startUpstream(options: UpstreamOptions, nature: Nature): Promise<Upstream> {
  const server = createServer(respond(options, nature));
  const port = await listen(server);
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { name: options.name, port, close };
}
