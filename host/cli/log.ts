// The process's own log: JSON lines by pino for machines, one short line for people. Goes to stderr; stdout is for data.
import type { AdminLog } from "../admin/server.ts";
import { toClockTime } from "./events.ts";
import type { Terminal } from "./terminal.ts";

export type LogFormat = "pretty" | "json";

function pretty(terminal: Terminal): AdminLog {
  const line = (message: string): void => terminal.note(`${toClockTime(new Date().toISOString())}  ${message}`);
  return {
    info: (_fields, message) => line(message),
    error: (fields, message) => {
      const error: unknown = Object(fields).err;
      line(`${message}${error instanceof Error ? `: ${error.stack}` : ""}`);
    },
  };
}

/** @param format "json" also when nobody looks at the terminal */
export async function createLog(terminal: Terminal, format: LogFormat): Promise<AdminLog> {
  if (format === "pretty") return pretty(terminal);
  const { pino } = await import("pino");
  const options = { base: null, timestamp: pino.stdTimeFunctions.isoTime };
  const log = pino(options, { write: (line) => terminal.note(line.trimEnd()) });
  return {
    info: (fields, message) => log.info(fields, message),
    error: (fields, message) => log.error(fields, message),
  };
}
