// CPU time and memory of a process from /proc (Linux): nanoseconds of all its threads and of its direct children, which
// covers a compiler process or the workers of a prefork server. Nothing here samples; every figure is the kernel's own.
import { readFileSync, readdirSync } from "node:fs";

export interface Usage {
  /** Time on a CPU since the start, all living threads. */
  readonly cpuNanos: number;
  readonly rssBytes: number;
}

/** First field of `/proc/<pid>/task/<tid>/schedstat`: ns on a CPU. */
export function parseSchedstat(text: string): number {
  const nanos = Number(text.split(" ")[0]);
  if (!Number.isFinite(nanos) || text === "") throw new Error(`not a schedstat line: "${text}"`);
  return nanos;
}

/** `VmRSS` of `/proc/<pid>/status` in bytes; 0 for a kernel thread or a zombie. */
export function parseRss(text: string): number {
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(text)?.[1] ?? 0) * 1024;
}

/** Parent of `/proc/<pid>/stat`. The name before it may hold spaces and brackets. */
export function parseParent(text: string): number {
  return Number(text.slice(text.lastIndexOf(")") + 2).split(" ")[1]);
}

/** What a process and its direct children have used. @throws when it does not run */
export function usageOf(pid: number): Usage {
  const own = [pid, ...childrenOf(pid)].map(usageOfOne);
  return {
    cpuNanos: own.reduce((sum, { cpuNanos }) => sum + cpuNanos, 0),
    rssBytes: own.reduce((sum, { rssBytes }) => sum + rssBytes, 0),
  };
}

function usageOfOne(pid: number): Usage {
  let cpuNanos = 0;
  for (const task of readdirSync(`/proc/${pid}/task`)) {
    // A thread may end between the listing and the reading.
    cpuNanos += unlessGone(() => parseSchedstat(readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8")), 0);
  }
  return { cpuNanos, rssBytes: parseRss(readFileSync(`/proc/${pid}/status`, "utf8")) };
}

function childrenOf(pid: number): readonly number[] {
  const all = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return all
    .filter((name) => unlessGone(() => parseParent(readFileSync(`/proc/${name}/stat`, "utf8")), -1) === pid)
    .map(Number);
}

function unlessGone<T>(read: () => T, gone: T): T {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ESRCH") return gone;
    throw error;
  }
}
