// Proxies and the upstream that are small programs of this folder, run by the same Node as the bench.
import { fileURLToPath } from "node:url";
import { PROXY_CORE, launch } from "../measure/command.ts";
import { type Subject, freePort, subjectOf, untilServing } from "./subject.ts";
import { hasNginx, startNginxProxy, startNginxUpstream } from "./nginx.ts";

async function startProgram(name: string, file: string, ports: readonly [number, ...number[]]): Promise<Subject> {
  const path = fileURLToPath(new URL(`../peers/${file}`, import.meta.url));
  const child = launch([process.execPath, path, ...ports.map(String)], { core: PROXY_CORE });
  await untilServing(child, ports[0]);
  return subjectOf(name, ports[0], child);
}

export async function startUpstream(folder: string): Promise<Subject> {
  const port = await freePort();
  return hasNginx ? startNginxUpstream(folder, port) : startProgram("upstream", "upstream.ts", [port]);
}

export type PeerName = "nginx" | "http-proxy" | "undici";

/** Null: not installed here. */
export async function startPeer(name: PeerName, folder: string, upstream: number): Promise<Subject | null> {
  const port = await freePort();
  if (name === "nginx") return hasNginx ? startNginxProxy(folder, port, upstream) : null;
  return startProgram(name, `${name}.ts`, [port, upstream]);
}
