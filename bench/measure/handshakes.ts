// Full TLS handshakes, one connection at a time: openssl's own client, which does nothing else.
import { LOAD_CORE, isInstalled, outputOf } from "./command.ts";
import { usageOf } from "./proc.ts";
import type { Subject } from "../subjects/subject.ts";

export const hasOpenssl: boolean = isInstalled("openssl");

/** Reads `1234 connections in 2 real seconds`. */
export function parseSTime(text: string): number {
  const found = /(\d+) connections in \d+ real seconds/.exec(text)?.[1];
  if (found === undefined) throw new Error(`not a report of openssl s_time:\n${text}`);
  return Number(found);
}

/** CPU per handshake, microseconds. */
export async function handshakeMicros(subject: Subject, seconds: number): Promise<number> {
  const before = usageOf(subject.pid);
  const connect = ["-connect", `127.0.0.1:${subject.port}`];
  const count = parseSTime(
    await outputOf(["openssl", "s_time", "-new", ...connect, "-time", String(seconds)], LOAD_CORE),
  );
  const after = usageOf(subject.pid);
  if (count === 0) throw new Error(`${subject.name} made no handshake`);
  return (after.cpuNanos - before.cpuNanos) / 1000 / count;
}
