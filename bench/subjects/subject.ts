// What is measured: a proxy in a process of its own, in front of the bench's upstream.
import { type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { once } from "node:events";
import { get } from "node:http";
import { get as getTls } from "node:https";
import { stop } from "../measure/command.ts";

export interface Subject {
  readonly name: string;
  readonly port: number;
  readonly pid: number;
  readonly tls: boolean;
  stop(): Promise<void>;
}

/** A port nobody listens on now. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const address = server.address();
  server.close();
  await once(server, "close");
  if (address === null || typeof address === "string") throw new Error("no port was given");
  return address.port;
}

export function subjectOf(name: string, port: number, child: ChildProcess, tls = false): Subject {
  return { name, port, tls, pid: child.pid ?? 0, stop: () => stop(child) };
}

export interface Answer {
  readonly status: number;
  readonly headers: NodeJS.Dict<string | string[]>;
}

/** One GET on a connection of its own; null when nothing answers. */
export function ask(port: number, path = "/", tls = false): Promise<Answer | null> {
  return new Promise((resolve) => {
    const options = { port, path, host: "127.0.0.1", agent: false } as const;
    const request = (tls ? getTls : get)({ ...options, ...(tls && { rejectUnauthorized: false }) }, (response) => {
      response.resume();
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
      response.on("error", () => resolve(null));
    });
    request.on("error", () => resolve(null));
  });
}

const GIVE_UP_MS = 30_000;

/** Resolves with the first 200 through `child`. @throws when that does not come; the child is ended then */
export async function untilServing(child: ChildProcess, port: number, tls = false): Promise<void> {
  const deadline = performance.now() + GIVE_UP_MS;
  while ((await ask(port, "/", tls))?.status !== 200) {
    const command = child.spawnargs.join(" ");
    if (child.exitCode !== null) throw new Error(`${command} ended with ${child.exitCode}`);
    if (performance.now() > deadline) {
      await stop(child);
      throw new Error(`${command} does not answer on ${port}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
