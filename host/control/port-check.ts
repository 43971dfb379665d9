// A second listener on a taken port binds silently with SO_REUSEPORT, so each address is bound once without it before the
// data threads do; a failure becomes the one sentence a person needs (decisions.md 21).
import { createServer } from "node:net";
import { ProblemError, type Problem } from "../base/problem.ts";
import type { ListenerOptions } from "../net/options.ts";

/** @throws ProblemError naming every address that cannot be bound */
export async function assertListenersFree(listeners: readonly ListenerOptions[]): Promise<void> {
  const found = await Promise.all(listeners.filter(({ port }) => port !== 0).map(tryBind));
  const problems = found.filter((problem) => problem !== null);
  if (problems.length > 0) throw new ProblemError(problems);
}

async function tryBind({ name, host, port }: ListenerOptions): Promise<Problem | null> {
  const server = createServer();
  const outcome = Promise.withResolvers<Problem | null>();
  server.once("error", (error: NodeJS.ErrnoException) =>
    outcome.resolve(explain(error, { name, address: `${host}:${port}` })),
  );
  server.listen({ host, port, exclusive: true }, () => server.close(() => outcome.resolve(null)));
  return outcome.promise;
}

function explain(error: NodeJS.ErrnoException, { name, address }: { name: string; address: string }): Problem {
  const where = `listener ${name}: cannot listen on ${address}`;
  if (error.code === "EADDRINUSE") {
    return {
      kind: "state",
      code: "address_in_use",
      message: `${where}: the port is in use`,
      hint: "stop the other program, or choose another port (--port)",
    };
  }
  if (error.code === "EACCES") {
    return {
      kind: "state",
      code: "address_denied",
      message: `${where}: no permission`,
      hint: "use a port above 1023, or grant CAP_NET_BIND_SERVICE",
    };
  }
  return { kind: "state", code: "address_unusable", message: `${where}: ${error.message}` };
}
