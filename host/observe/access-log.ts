// One line per finished exchange: JSON or Envoy-like text, collected in memory and written in the background. A sink that is
// stuck or full costs lines, which are counted, never requests (reliability.md 6, row 16).
import { closeSync, openSync, write, writeSync } from "node:fs";
import type { Clock, Timer } from "../base/clock.ts";
import type { Counter } from "./metrics.ts";

/** What a line tells of an exchange; the StreamFacts of chain/ports.ts fit. */
export interface AccessFacts {
  readonly requestId: string;
  readonly protocol: string;
  readonly listener: string;
  readonly startMs: number;
  readonly sourceAddress: string;
  readonly sourcePort: number;
  readonly routeName: string;
  readonly clusterName: string;
  readonly upstreamAddress: string;
  readonly upstreamPort: number;
  readonly attempts: number;
  readonly responseCode: number;
  readonly responseFlags: string;
  readonly responseCodeDetails: string;
  readonly requestBytes: number;
  readonly responseBytes: number;
  readonly durationMs: number;
  readonly upstreamMs: number;
  /** "filter=arm" joined by ";". */
  readonly arms: string;
  /** What filters left on the exchange, if anything. */
  readonly notes: AccessNotes | null;
  readonly tls?: AccessTls | null;
  readonly upstreamTls?: AccessTls | null;
  /** Why an upstream connection could not be made or broke. */
  readonly transportFailure?: string;
  /** The protocol a request has changed to. */
  readonly upgrade?: string;
  /** Who connected, when that is not the client. */
  readonly peerAddress?: string;
  readonly peerPort?: number;
}

/** The TlsFacts of tls/facts.ts fit. */
export interface AccessTls {
  readonly version: string;
  readonly cipher: string;
  readonly serverName: string;
  readonly peer: { readonly subject: string } | null;
}

export interface AccessNotes {
  /** namespace -> key -> value, latin1 text. */
  readonly metadata: ReadonlyMap<string, ReadonlyMap<string, string>>;
  readonly decision: { readonly tags?: Readonly<Record<string, string>> } | null;
}

export interface ConnectionLogFacts extends AccessFacts {
  readonly connectionId: number;
}

export interface AccessRequest {
  readonly method: string;
  readonly path: string;
  readonly authority: string;
  readonly userAgent: string;
}

export type AccessFormat = "json" | "text";

/** One line with its line end. Field names of the JSON form are a contract: add, do not rename. */
export function formatAccess(format: AccessFormat, facts: AccessFacts, request: AccessRequest): string {
  return format === "json" ? toJson(facts, request) : toText(facts, request);
}

/** The line of a TCP connection. The text form is Envoy's default format as well, with "-" where only a request has something. */
export function formatConnection(format: AccessFormat, facts: ConnectionLogFacts): string {
  return format === "json" ? connectionJson(facts) : toText(facts, NO_REQUEST);
}

const NO_REQUEST: AccessRequest = { method: "", path: "", authority: "", userAgent: "" };

const isoTime = (ms: number): string => new Date(Math.floor(ms)).toISOString();
const round = (ms: number): number => Math.round(ms * 1000) / 1000;
const addressOf = (host: string, port: number): string =>
  host === "" ? "" : host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;

function toJson(facts: AccessFacts, request: AccessRequest): string {
  return `${JSON.stringify({
    time: isoTime(facts.startMs),
    listener: facts.listener,
    method: request.method,
    path: request.path,
    authority: request.authority,
    protocol: facts.protocol,
    status: facts.responseCode,
    flags: facts.responseFlags,
    details: facts.responseCodeDetails,
    requestBytes: facts.requestBytes,
    responseBytes: facts.responseBytes,
    durationMs: round(facts.durationMs),
    upstreamMs: round(facts.upstreamMs),
    route: facts.routeName,
    cluster: facts.clusterName,
    upstream: addressOf(facts.upstreamAddress, facts.upstreamPort),
    attempts: facts.attempts,
    client: addressOf(facts.sourceAddress, facts.sourcePort),
    userAgent: request.userAgent,
    requestId: facts.requestId,
    arms: facts.arms,
    upgrade: facts.upgrade || undefined,
    peer: facts.peerAddress ? addressOf(facts.peerAddress, facts.peerPort ?? 0) : undefined,
    // Left out of the line when undefined: lines of exchanges without are as they were.
    metadata: facts.notes === null ? undefined : metadataOf(facts.notes),
    tags: facts.notes === null ? undefined : tagsOf(facts.notes),
    ...transport(facts),
  })}\n`;
}

/** Fields of secured connections, and of upstream connections that failed; a line without either is as short as ever. */
function transport({ tls, upstreamTls, transportFailure }: AccessFacts): Readonly<Record<string, string>> | undefined {
  if (!tls && !upstreamTls && !transportFailure) return undefined;
  return {
    ...(tls && { tlsVersion: tls.version, tlsCipher: tls.cipher, serverName: tls.serverName }),
    ...(tls?.peer && { clientCertificate: tls.peer.subject }),
    ...(upstreamTls && { upstreamTlsVersion: upstreamTls.version }),
    ...(transportFailure && { transportFailure }),
  };
}

/** `bytesReceived` and `bytesSent` as the client's side counts them (Envoy's BYTES_RECEIVED, BYTES_SENT). */
function connectionJson(facts: ConnectionLogFacts): string {
  return `${JSON.stringify({
    time: isoTime(facts.startMs),
    listener: facts.listener,
    protocol: facts.protocol,
    flags: facts.responseFlags,
    details: facts.responseCodeDetails,
    bytesReceived: facts.requestBytes,
    bytesSent: facts.responseBytes,
    durationMs: round(facts.durationMs),
    connectMs: round(facts.upstreamMs),
    cluster: facts.clusterName,
    upstream: addressOf(facts.upstreamAddress, facts.upstreamPort),
    attempts: facts.attempts,
    client: addressOf(facts.sourceAddress, facts.sourcePort),
    connectionId: facts.connectionId,
    arms: facts.arms,
    metadata: facts.notes === null ? undefined : metadataOf(facts.notes),
    ...transport(facts),
  })}\n`;
}

function metadataOf({ metadata }: AccessNotes): object | undefined {
  if (metadata.size === 0) return undefined;
  return Object.fromEntries([...metadata].map(([name, entries]) => [utf8(name), utf8Entries(entries)]));
}

function tagsOf({ decision }: AccessNotes): object | undefined {
  return decision?.tags === undefined ? undefined : utf8Entries(Object.entries(decision.tags));
}

const utf8 = (text: string): string => Buffer.from(text, "latin1").toString("utf8");
const utf8Entries = (entries: Iterable<readonly [string, string]>): Record<string, string> =>
  Object.fromEntries([...entries].map(([name, value]) => [utf8(name), utf8(value)]));

/** `ns.key=value` and `tag=value`, joined by ";". */
function textNotes({ metadata, decision }: AccessNotes): readonly string[] {
  const pairs = [...metadata].flatMap(([space, entries]) =>
    [...entries].map(([key, value]) => `${space}.${key}=${value}`),
  );
  const tags = Object.entries(decision?.tags ?? {}).map(([name, value]) => `${name}=${value}`);
  const all = [...pairs, ...tags];
  return all.length === 0 ? [] : [utf8(all.join(";"))];
}

/** Envoy's default format, with the arms, the route and what filters noted at the end; "-" for what is empty. */
function toText(facts: AccessFacts, request: AccessRequest): string {
  const line = `${request.method || "-"} ${request.path || "-"} ${facts.protocol || "-"}`;
  const numbers = [facts.requestBytes, facts.responseBytes, Math.round(facts.durationMs), Math.round(facts.upstreamMs)];
  const client = addressOf(facts.sourceAddress, facts.sourcePort);
  const upstream = addressOf(facts.upstreamAddress, facts.upstreamPort);
  const quoted = [client, request.userAgent, facts.requestId, request.authority, upstream, facts.routeName, facts.arms];
  if (facts.notes !== null) quoted.push(...textNotes(facts.notes));
  return `[${isoTime(facts.startMs)}] "${escapeText(line)}" ${facts.responseCode} ${facts.responseFlags || "-"} ${detailsText(
    facts,
  )} ${numbers.join(" ")} ${quoted.map((text) => `"${escapeText(text || "-")}"`).join(" ")}\n`;
}

/** As Envoy's %RESPONSE_CODE_DETAILS%: the failure of the transport in braces, without spaces. */
function detailsText({ responseCodeDetails, transportFailure }: AccessFacts): string {
  const details = responseCodeDetails || "-";
  return transportFailure ? `${details}{${escapeText(transportFailure).replaceAll(" ", "_")}}` : details;
}

/** Nothing a client sends may end the quotes or the line. */
const escapeText = (text: string): string =>
  text
    .replace(/["\\]/g, "\\$&")
    .replace(/\p{Cc}/gu, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`);

/** Where lines go. `done` gets the number of bytes taken, or the error. Injected in tests. */
export type Sink = (bytes: Buffer, done: (error: Error | null, written: number) => void) => void;

export interface AccessLogInputs {
  /** File to append to; `-` is stdout. */
  readonly path: string;
  readonly clock: Clock;
  /** Lines that were given up. */
  readonly dropped: Counter;
  readonly sink?: Sink;
}

/** From the first waiting line to the write. */
const FLUSH_MS = 500;
const FLUSH_BYTES = 64 * 1024;
/** Characters held for a sink that does not keep up. */
const MAX_WAITING = 4 * 1024 * 1024;

/** Owns the file. */
export class AccessLog {
  readonly #clock: Clock;
  readonly #dropped: Counter;
  readonly #sink: Sink;
  readonly #fd: number;
  readonly #path: string;
  #text = "";
  #lines = 0;
  #writing = 0;
  #timer: Timer | null = null;

  /** Throws when the file cannot be opened. */
  constructor({ path, clock, dropped, sink }: AccessLogInputs) {
    this.#clock = clock;
    this.#dropped = dropped;
    this.#path = path;
    this.#fd = sink !== undefined ? -1 : path === "-" ? 1 : openSync(path, "a");
    this.#sink = sink ?? ((bytes, done) => write(this.#fd, bytes, 0, bytes.length, null, done));
  }

  /** @param line one line with its line end */
  write(line: string): void {
    if (this.#text.length + line.length > MAX_WAITING) {
      this.#dropped.inc();
      return;
    }
    this.#text += line;
    this.#lines++;
    if (this.#text.length >= FLUSH_BYTES) this.flush();
    else this.#timer ??= this.#clock.after(FLUSH_MS, () => this.flush());
  }

  /** Begins to write what waits; one write at a time, so that lines stay in order. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#writing > 0 || this.#text === "") return;
    const bytes = Buffer.from(this.#text);
    this.#writing = this.#lines;
    this.#text = "";
    this.#lines = 0;
    this.#send(bytes);
  }

  /** Writes the rest at once and closes the file. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    if (this.#fd < 0) return this.flush();
    try {
      writeSync(this.#fd, this.#text);
    } catch {
      this.#dropped.inc(this.#lines);
    }
    this.#text = "";
    if (this.#path !== "-") closeSync(this.#fd);
  }

  #send(bytes: Buffer): void {
    this.#sink(bytes, (error, written) => {
      if (error === null && written < bytes.length) {
        this.#send(bytes.subarray(written));
        return;
      }
      if (error !== null) this.#dropped.inc(this.#writing);
      this.#writing = 0;
      if (this.#text.length >= FLUSH_BYTES) this.flush();
      else if (this.#text !== "") this.#timer ??= this.#clock.after(FLUSH_MS, () => this.flush());
    });
  }
}
