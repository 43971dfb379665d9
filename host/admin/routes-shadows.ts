// Shadows: a version beside the serving one on sampled live traffic. Begun, looked at, ended. A report shows (redacted)
// examples of traffic and is written to the audit log.
import type { ShadowRequest } from "../control/shadow/shadow.ts";
import { onlyKeys, optionalStringIn, percentIn, stringIn, stringsIn, toObject } from "./body.ts";
import { AdminRefusal, json } from "./reply.ts";
import type { AdminRequest, AdminRoute } from "./route.ts";

const SHADOW = "/api/v1/shadows/{filter}";
const DEFAULT_PERCENT = 10;
const DEFAULT_CPU_PERCENT = 2;

const refusal = (key: string, message: string): AdminRefusal =>
  new AdminRefusal(422, "bad_value", `${key}: ${message}`, { problem: { kind: "config", pointer: `/${key}` } });

function shareIn(body: Readonly<Record<string, unknown>>, key: string, normal: number): number {
  if (body[key] === undefined) return normal;
  const percent = percentIn(body, key);
  if (percent === 0) throw refusal(key, "expected more than 0");
  return percent;
}

function toRequest(bytes: Uint8Array): ShadowRequest {
  const body = toObject(bytes);
  onlyKeys(body, ["filter", "version", "percent", "cpuPercent", "ignore", "unmatchedCalls"]);
  const unmatched = optionalStringIn(body, "unmatchedCalls") ?? "block";
  if (unmatched === "allow")
    throw refusal(
      "unmatchedCalls",
      "allow is not supported yet; a call that the serving version did not make is refused",
    );
  if (unmatched !== "block") throw refusal("unmatchedCalls", `expected block, got "${unmatched}"`);
  return {
    filter: stringIn(body, "filter"),
    version: stringIn(body, "version"),
    percent: shareIn(body, "percent", DEFAULT_PERCENT),
    cpuPercent: shareIn(body, "cpuPercent", DEFAULT_CPU_PERCENT),
    ignore: body["ignore"] === undefined ? [] : stringsIn(body, "ignore"),
  };
}

const filterOf = ({ params }: AdminRequest): string => params["filter"] ?? "";

export const SHADOW_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/api/v1/shadows",
    summary: "Shadows and what they found",
    handle: ({ control }) => ({ ...json({ shadows: control.shadows.reports }), audited: true }),
  },
  {
    method: "POST",
    path: "/api/v1/shadows",
    summary: "Shadow a filter: {filter, version, percent?, cpuPercent?, ignore?, unmatchedCalls?: block}",
    accepts: "application/json",
    handle: ({ control, body }) => json(control.shadows.start(toRequest(body)), 201),
  },
  {
    method: "GET",
    path: SHADOW,
    summary: "The report of a filter's shadow",
    handle: (request) => ({ ...json(request.control.shadows.report(filterOf(request))), audited: true }),
  },
  {
    method: "POST",
    path: `${SHADOW}:stop`,
    summary: "End a filter's shadow; its report stays",
    handle: (request) => json(request.control.shadows.stop(filterOf(request))),
  },
];
