// What one HTTP/2 client may do that costs us and brings nobody anything: break streams off (rapid reset, CVE-2023-44487),
// send PING and SETTINGS, and send frames that node:http2 tells nobody about (WINDOW_UPDATE, PRIORITY, padding, unknown
// types), which are seen as bytes that nothing explains. Pure: times come in, verdicts go out.
import type { Http2Options } from "../options.ts";

/** A reason for GOAWAY ENHANCE_YOUR_CALM; labels of the metric of refused requests. */
export type Flood = "http2_reset_flood" | "http2_control_flood" | "http2_silent_flood";

const CONTROL_WINDOW_MS = 10_000;
/** Bytes without an explanation per second: 1260 window updates. */
const SILENT_BYTES_PER_SECOND = 16 * 1024;
/** Window updates answer what we send: one of 13 bytes for some kilobytes. */
const SENT_PER_SILENT_BYTE = 16;
/** Frame header, priority, and a reset in the end. */
const STREAM_BYTES = 64;
const CONTROL_BYTES = 64;
const FRAME_BYTES = 9;

export class FloodGuard {
  readonly #options: Http2Options;
  /** Resets in the bucket, as of `#resetMs`. */
  #resets = 0;
  #resetMs = 0;
  #controls = 0;
  #controlMs = 0;
  /** Bytes that something explains, and bytes seen, since the last look. */
  #explained = SILENT_BYTES_PER_SECOND;
  #read = 0;
  #written = 0;
  #lookedMs: number;

  constructor(options: Http2Options, nowMs: number) {
    this.#options = options;
    this.#lookedMs = nowMs;
  }

  /** A stream has begun. @param bytes of its head, decoded: never much less than it had on the wire */
  began(bytes: number): void {
    this.#explained += bytes + STREAM_BYTES;
  }

  /** A piece of a body, at least one frame. */
  data(bytes: number): void {
    this.#explained += bytes + FRAME_BYTES;
  }

  /** A stream ended before its answer did, and not by us. */
  reset(nowMs: number): Flood | null {
    const { streamResetBurst, streamResetRate } = this.#options;
    const drained = ((nowMs - this.#resetMs) / 1000) * streamResetRate;
    this.#resets = Math.max(0, this.#resets - drained) + 1;
    this.#resetMs = nowMs;
    return this.#resets > streamResetBurst ? "http2_reset_flood" : null;
  }

  /** PING or SETTINGS. */
  control(nowMs: number): Flood | null {
    this.#explained += CONTROL_BYTES;
    if (nowMs - this.#controlMs >= CONTROL_WINDOW_MS) {
      this.#controlMs = nowMs;
      this.#controls = 0;
    }
    return ++this.#controls > this.#options.maxControlFrames ? "http2_control_flood" : null;
  }

  /** Once a second. @param read @param written bytes over the life of the connection */
  look(nowMs: number, read: number, written: number): Flood | null {
    const seconds = Math.max(1, (nowMs - this.#lookedMs) / 1000);
    const silent = read - this.#read - this.#explained - (written - this.#written) / SENT_PER_SILENT_BYTE;
    this.#read = read;
    this.#written = written;
    this.#explained = 0;
    this.#lookedMs = nowMs;
    return silent > SILENT_BYTES_PER_SECOND * seconds ? "http2_silent_flood" : null;
  }
}
