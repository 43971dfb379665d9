// What a recording is between control and data threads: which streams, and the lines they give. `shadow` listens to the same.

export interface RecordingMessage {
  readonly id: number;
  readonly filter: string;
  /** Only streams on this version. */
  readonly version: string;
  /** Of the streams that meet the filter, 0..100. */
  readonly percent: number;
  /** Bytes of bodies kept per stream. */
  readonly maxBodyBytes: number;
  /** Every host call, for people and files; or those that a replay looks at. */
  readonly tells: "all" | "replay";
  /** Streams per second and data thread at most; what is picked beyond is counted as dropped. */
  readonly maxPerSecond: number;
  /** Whoever reads it is behind: streams are counted as dropped instead. */
  readonly hold: boolean;
}

export interface RecordedMessage {
  readonly type: "recorded";
  readonly id: number;
  /** A JSON array of lines (host/replay/events.ts), written and read in one go; "" when there is only something to count. */
  readonly text: string;
  /** Streams that ended in it. */
  readonly streams: number;
  /** Streams that were picked and not recorded since the last message. */
  readonly dropped: number;
}
