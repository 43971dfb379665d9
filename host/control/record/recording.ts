// One recording on the control side: what data threads sent, redacted, until it is long enough.
import type { FilterOptions } from "../../plugin/options.ts";
import type { HeaderLine, RecordLine } from "../../replay/events.ts";
import type { BodyMode, Redactor } from "../../replay/redact.ts";

/** `POST /api/v1/recordings`. */
export interface RecordingRequest {
  readonly filter: string;
  /** Of the streams that meet the filter, above 0, at most 100. */
  readonly percent: number;
  /** Ends after so many ms; 0 = not by time. */
  readonly forMs: number;
  /** Ends after so many streams; 0 = not by number. */
  readonly count: number;
  readonly bodies: BodyMode;
  /** false: everything as it was, secrets too. */
  readonly redact: boolean;
}

/** Names are part of the admin API: add, do not rename. */
export interface RecordingStatus {
  readonly id: number;
  readonly filter: string;
  readonly version: string;
  readonly percent: number;
  readonly state: "recording" | "done";
  /** Why it ended; "" while it has not. */
  readonly ended: "" | "time" | "count" | "full" | "stopped" | "version";
  /** ISO 8601. */
  readonly startedAt: string;
  readonly streams: number;
  /** Picked and not recorded. */
  readonly dropped: number;
  readonly bytes: number;
  readonly redacted: boolean;
}

/** Characters kept of one recording. */
export const MAX_CHARS = 32 * 1024 * 1024;

export interface RecordingParts {
  readonly id: number;
  readonly request: RecordingRequest;
  readonly header: HeaderLine;
  readonly options: FilterOptions;
  readonly startedAt: string;
  /** null: nothing is taken out. */
  readonly redactor: Redactor | null;
}

export class Recording {
  readonly #parts: RecordingParts;
  readonly #texts: string[];
  #chars = 0;
  #streams = 0;
  #dropped = 0;
  ended: RecordingStatus["ended"] = "";

  constructor(parts: RecordingParts) {
    this.#parts = parts;
    this.#texts = [`${JSON.stringify(parts.header)}\n`];
  }

  get id(): number {
    return this.#parts.id;
  }

  get version(): { readonly label: string; readonly sha256: string } {
    const { version: label, sha256 } = this.#parts.header;
    return { label, sha256 };
  }

  get request(): RecordingRequest {
    return this.#parts.request;
  }

  /** Lines of one data thread, a JSON array. Whole bundles only: a line without its stream says nothing. */
  add(text: string, streams: number, dropped: number): void {
    if (this.ended !== "") return;
    this.#dropped += dropped;
    if (text === "") return;
    const kept = this.#redacted(text);
    this.#texts.push(kept);
    this.#chars += kept.length;
    this.#streams += streams;
    if (this.#chars > MAX_CHARS) this.ended = "full";
    else if (this.request.count > 0 && this.#streams >= this.request.count) this.ended = "count";
  }

  #redacted(text: string): string {
    const { redactor } = this.#parts;
    const lines = JSON.parse(text) as readonly RecordLine[];
    return lines.map((line) => `${JSON.stringify(redactor === null ? line : redactor.line(line))}\n`).join("");
  }

  get text(): string {
    return this.#texts.join("");
  }

  get status(): RecordingStatus {
    const { id, request, header, startedAt } = this.#parts;
    return {
      id,
      filter: request.filter,
      version: header.version,
      percent: request.percent,
      state: this.ended === "" ? "recording" : "done",
      ended: this.ended,
      startedAt,
      streams: this.#streams,
      dropped: this.#dropped,
      bytes: this.#chars,
      redacted: header.redacted,
    };
  }
}
