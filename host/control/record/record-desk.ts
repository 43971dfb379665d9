// Recordings: opened, ended by time, number, size or hand, and kept until newer ones take their place.
import { randomBytes } from "node:crypto";
import type { Clock, Timer } from "../../base/clock.ts";
import { problemError } from "../../base/problem.ts";
import { headerOf } from "../../replay/jsonl.ts";
import { type BodyMode, Redactor } from "../../replay/redact.ts";
import type { EventHub } from "../events.ts";
import type { Version } from "../version.ts";
import { Recording, type RecordingRequest, type RecordingStatus } from "./recording.ts";
import type { Sampling } from "./sampling.ts";

const MAX_OPEN = 4;
/** Finished ones. */
const MAX_KEPT = 4;
/** Bytes of bodies per stream. */
const MAX_BODY_BYTES = 1024 * 1024;
/** The version all guests of this host are known by (abi.md 2). */
const ABI = "0.2.1";

export interface RecordDeskParts {
  readonly clock: Clock;
  readonly sampling: Sampling;
  readonly events: Pick<EventHub, "emit" | "subscribe">;
  /** The version that serves. @throws ProblemError when there is none */
  readonly live: (filter: string) => Version;
}

export class RecordDesk {
  readonly #parts: RecordDeskParts;
  readonly #all = new Map<number, { readonly recording: Recording; readonly sampler: number; timer: Timer | null }>();
  #last = 0;

  constructor(parts: RecordDeskParts) {
    this.#parts = parts;
    parts.events.subscribe(({ filter, type }) => filter !== undefined && type !== "recording" && this.#check(filter), {
      replay: 0,
    });
  }

  /** @throws ProblemError */
  open(asked: RecordingRequest): RecordingStatus {
    const request: RecordingRequest = asked.redact ? asked : { ...asked, bodies: "full" };
    const { clock, sampling, live } = this.#parts;
    const open = [...this.#all.values()].filter(({ recording }) => recording.ended === "");
    if (open.length >= MAX_OPEN)
      throw problemError("state", "too_many_recordings", `${MAX_OPEN} recordings are open already; stop one first`);
    const version = live(request.filter);
    const id = ++this.#last;
    const recording = this.#recording(id, request, version);
    const { percent, filter } = request;
    const maxBodyBytes = bytesOf(request.bodies);
    const sampler = sampling.open({
      want: {
        filter,
        version: version.label,
        percent,
        maxBodyBytes,
        tells: "all",
        maxPerSecond: Infinity,
        hold: false,
      },
      hear: ({ text, streams, dropped }) => {
        recording.add(text, streams, dropped);
        if (recording.ended !== "") this.#ended(id);
      },
    });
    const timer = request.forMs > 0 ? clock.after(request.forMs, () => this.#end(id, "time")) : null;
    this.#all.set(id, { recording, sampler, timer });
    this.#say(recording, `recording ${id} of ${filter} ${version.label}: ${percent} % of its streams`);
    return recording.status;
  }

  #recording(id: number, request: RecordingRequest, version: Version): Recording {
    const { options, label, sha256 } = version;
    const redactor = request.redact ? new Redactor(randomBytes(32), request.bodies) : null;
    const bodies = nameOf(request.bodies);
    const plain = headerOf({ options, version: label, sha256, abi: ABI, redacted: request.redact, bodies });
    const header = redactor === null ? plain : { ...plain, options: redactor.options(plain.options) };
    const startedAt = new Date(this.#parts.clock.nowMs()).toISOString();
    return new Recording({ id, request, header, options, startedAt, redactor });
  }

  #end(id: number, why: RecordingStatus["ended"]): void {
    const known = this.#all.get(id);
    if (known === undefined || known.recording.ended !== "") return;
    known.recording.ended = why;
    this.#ended(id);
  }

  #ended(id: number): void {
    const known = this.#all.get(id);
    if (known === undefined) return;
    known.timer?.cancel();
    this.#parts.sampling.close(known.sampler);
    const { filter, streams, ended, dropped } = known.recording.status;
    this.#say(
      known.recording,
      `recording ${id} of ${filter} has ended (${ended}): ${streams} streams, ${dropped} dropped`,
    );
    const finished = [...this.#all].filter(([, { recording }]) => recording.ended !== "");
    for (const [old] of finished.slice(0, Math.max(0, finished.length - MAX_KEPT))) this.#all.delete(old);
  }

  #say({ request, status }: Recording, text: string): void {
    this.#parts.events.emit({ type: "recording", filter: request.filter, text, data: { ...status } });
  }

  /** When another version serves, what would come is not what was asked for. */
  #check(filter: string): void {
    for (const [id, { recording }] of this.#all) {
      if (recording.request.filter !== filter || recording.ended !== "") continue;
      const { label, sha256 } = this.#parts.live(filter);
      if (label !== recording.version.label || sha256 !== recording.version.sha256) this.#end(id, "version");
    }
  }

  get statuses(): readonly RecordingStatus[] {
    return [...this.#all.values()].map(({ recording }) => recording.status);
  }

  /** @throws ProblemError when there is none */
  stop(id: number): RecordingStatus {
    const { recording } = this.#find(id);
    this.#end(id, "stopped");
    return recording.status;
  }

  /** As far as it has come. @throws ProblemError when there is none */
  text(id: number): string {
    return this.#find(id).recording.text;
  }

  #find(id: number) {
    const found = this.#all.get(id);
    if (found !== undefined) return found;
    const known = [...this.#all.keys()].join(", ") || "none";
    throw problemError("state", "recording_not_found", `there is no recording ${id}`, { hint: `recordings: ${known}` });
  }
}

const nameOf = (bodies: BodyMode): string => (typeof bodies === "string" ? bodies : `head:${bodies.head}`);
const bytesOf = (bodies: BodyMode): number => (bodies === "off" ? 0 : MAX_BODY_BYTES);
