// Recordings of filters: begun, listed, read, stopped. Reading one shows traffic and is written to the audit log.
import type { RecordingRequest } from "../control/record/recording.ts";
import type { BodyMode } from "../replay/redact.ts";
import { onlyKeys, optionalStringIn, percentIn, stringIn, toObject } from "./body.ts";
import { AdminRefusal, json, type Reply, text } from "./reply.ts";
import type { AdminRequest, AdminRoute } from "./route.ts";

const RECORDING = "/api/v1/recordings/{id}";
const MAX_COUNT = 1_000_000;
const MAX_SECONDS = 24 * 3600;
const MAX_HEAD = 1024 * 1024;

const refusal = (key: string, message: string): AdminRefusal =>
  new AdminRefusal(422, "bad_value", `${key}: ${message}`, { problem: { kind: "config", pointer: `/${key}` } });

type Shape = Readonly<Record<string, unknown>>;

function numberIn(body: Shape, key: string, max: number): number {
  const value = body[key] ?? 0;
  if (typeof value === "number" && Number.isFinite(value) && value >= 0 && value <= max) return value;
  throw refusal(key, `expected a number from 0 to ${max}`);
}

/** `off`, `hash`, `full`, `head:N`. */
function bodiesIn(body: Shape): BodyMode {
  const given = optionalStringIn(body, "bodies") ?? "off";
  if (given === "off" || given === "hash" || given === "full") return given;
  const head = /^head:(\d+)$/.exec(given);
  if (head !== null && Number(head[1]) <= MAX_HEAD) return { head: Number(head[1]) };
  throw refusal("bodies", `expected off, hash, full or head:N (at most ${MAX_HEAD}), got "${given}"`);
}

function toRequest(bytes: Uint8Array): RecordingRequest {
  const body = toObject(bytes);
  onlyKeys(body, ["filter", "percent", "seconds", "count", "bodies", "redact"]);
  const percent = body["percent"] === undefined ? 100 : percentIn(body, "percent");
  if (percent === 0) throw refusal("percent", "expected more than 0");
  const redact = body["redact"] ?? true;
  if (typeof redact !== "boolean") throw refusal("redact", "expected true or false");
  return {
    filter: stringIn(body, "filter"),
    percent,
    forMs: numberIn(body, "seconds", MAX_SECONDS) * 1000,
    count: Math.floor(numberIn(body, "count", MAX_COUNT)),
    bodies: bodiesIn(body),
    redact,
  };
}

function idOf({ params }: AdminRequest): number {
  const id = Number(params["id"]);
  if (Number.isSafeInteger(id)) return id;
  throw new AdminRefusal(404, "unknown_recording", `a recording has a number, got "${params["id"]}"`);
}

const read = (request: AdminRequest): Reply => ({
  ...text(request.control.recordings.text(idOf(request)), 200, "application/jsonl"),
  audited: true,
});

export const RECORDING_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/api/v1/recordings",
    summary: "Recordings, running and finished",
    handle: ({ control }) => json({ recordings: control.recordings.statuses }),
  },
  {
    method: "POST",
    path: "/api/v1/recordings",
    summary: "Record a filter: {filter, percent?, seconds?, count?, bodies?: off|hash|head:N|full, redact?}",
    accepts: "application/json",
    handle: ({ control, body }) => json(control.recordings.open(toRequest(body)), 201),
  },
  { method: "GET", path: RECORDING, summary: "A recording as JSONL, as far as it has come", handle: read },
  {
    method: "POST",
    path: `${RECORDING}:stop`,
    summary: "End a recording",
    handle: (request) => json(request.control.recordings.stop(idOf(request))),
  },
];
