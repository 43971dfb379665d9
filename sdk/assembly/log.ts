// Logging through proxy_log. The level is read lazily and at most once per outermost callback, so a changed level is
// seen at the next one. Test `log.enabled` before building an expensive text.
import * as env from "./env";
import { generation, out } from "./scratch";
import { encode, encodedSize } from "./text/utf8";

/** Levels of proxy_log (abi/log-level.ts). */
export enum Level {
  Trace,
  Debug,
  Info,
  Warn,
  Error,
  Critical,
}

let level: i32 = <i32>Level.Info;
let readAt: u32 = 0;

function threshold(): i32 {
  // generation 0 is start-up, where hosts refuse proxy_get_log_level: everything is logged then.
  if (generation == 0) return 0;
  if (readAt != generation) {
    readAt = generation;
    if (env.proxy_get_log_level(out) == 0) level = load<i32>(out);
  }
  return level;
}

/** The host's log. The level is asked for once per callback, so that a line nobody keeps costs no call. */
export class log {
  /** Whether a line of this level would be kept. */
  static enabled(at: Level): bool {
    return <i32>at >= threshold();
  }
  /** A line at any level. */
  static at(at: Level, message: string): void {
    if (!log.enabled(at)) return;
    const text = encode(message);
    env.proxy_log(at, text, encodedSize);
  }
  /** A line at level trace. */
  static trace(message: string): void {
    log.at(Level.Trace, message);
  }
  /** A line at level debug. */
  static debug(message: string): void {
    log.at(Level.Debug, message);
  }
  /** A line at level info. */
  static info(message: string): void {
    log.at(Level.Info, message);
  }
  /** A line at level warn. */
  static warn(message: string): void {
    log.at(Level.Warn, message);
  }
  /** A line at level error. */
  static error(message: string): void {
    log.at(Level.Error, message);
  }
  /** A line at level critical. */
  static critical(message: string): void {
    log.at(Level.Critical, message);
  }
}
