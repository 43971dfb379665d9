// Whether an address is free. A second listener with `reusePort` binds a taken port without a word and the kernel then
// splits the connections between two programs, so the main thread asks first (decisions.md 21).
import { createServer } from "node:net";
import { problemError } from "../base/problem.ts";

/**
 * Binds the address exclusively for a moment. Rejects with a ProblemError (`port_in_use`, `bad_listen_address`) that says
 * what to do. Port 0 is always free.
 */
export function assertPortFree(host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => reject(toProblem(error, host, port)));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  });
}

function toProblem(error: NodeJS.ErrnoException, host: string, port: number): Error {
  const address = host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
  if (error.code === "EADDRINUSE") {
    return problemError("config", "port_in_use", `${address} is in use by another program`, {
      hint: "stop that program, or give the listener another port",
    });
  }
  const why = error.code === "EACCES" ? "this user may not bind it" : (error.code ?? error.message);
  return problemError("config", "bad_listen_address", `cannot listen on ${address}: ${why}`, {
    hint: "use an address of this machine and a port above 1023",
  });
}
