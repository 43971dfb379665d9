// Experiments on filter versions: list, start, shift weights, hold, resume, promote, abort, report; events of units.
import { createHash } from "node:crypto";
import type { PostedEvent } from "../control/report-types.ts";
import type { ExperimentRequest, ExperimentStatus } from "../control/types.ts";
import { REPORT_HEADERS, reportPage } from "./report-page.ts";
import { objectsIn, onlyKeys, optionalStringIn, percentIn, percentsIn, stringIn, stringsIn, toObject } from "./body.ts";
import { AdminRefusal, json, type Reply, text } from "./reply.ts";
import type { AdminRequest, AdminRoute } from "./route.ts";

const EXPERIMENT = "/api/v1/experiments/{name}";

/** Names the definition, not the counts: those change with every request and would make If-Match useless. */
function etagOf(status: ExperimentStatus): string {
  const arms = status.arms.map((arm) => [arm.name, arm.version, arm.weight]);
  const definition = JSON.stringify([status.name, status.filter, status.state, arms, status.rollout.step]);
  return `"${createHash("sha256").update(definition).digest("hex").slice(0, 16)}"`;
}

const show = (status: ExperimentStatus, code = 200): Reply => json(status, code, { etag: etagOf(status) });

async function find({ control, params }: AdminRequest): Promise<ExperimentStatus> {
  const found = (await control.experiments()).find((one) => one.name === params["name"]);
  if (found !== undefined) return found;
  throw new AdminRefusal(404, "unknown_experiment", `no experiment is named "${params["name"]}"`, {
    problem: { hint: "GET /api/v1/experiments lists them" },
  });
}

/** The experiment to change, if the caller has seen its present state (or did not ask). */
async function findForWrite(request: AdminRequest): Promise<string> {
  const status = await find(request);
  const seen = request.headers["if-match"];
  if (seen !== undefined && seen !== "*" && seen !== etagOf(status)) {
    throw new AdminRefusal(412, "changed_meanwhile", `experiment "${status.name}" has changed since it was read`, {
      problem: { hint: "read it again and repeat" },
    });
  }
  return status.name;
}

function toRequest(body: Readonly<Record<string, unknown>>): ExperimentRequest {
  onlyKeys(body, [...BASIC_KEYS, ...RULE_KEYS, "force"]);
  const salt = optionalStringIn(body, "salt");
  const variants = objectsIn(body, "variants").map((variant, at) => ({
    name: stringIn(variant, "name", `/variants/${at}`),
    version: stringIn(variant, "version", `/variants/${at}`),
    weight: percentIn(variant, "weight", `/variants/${at}`),
    ...configIn(variant, `/variants/${at}`),
  }));
  return {
    name: stringIn(body, "name"),
    filter: stringIn(body, "filter"),
    unit: stringsIn(body, "unit"),
    variants,
    ...(salt === undefined ? {} : { salt }),
    ...rulesIn(body),
    ...(body["force"] === true ? { force: true } : {}),
  };
}

function configIn(variant: Readonly<Record<string, unknown>>, at: string): { pluginConfig?: object | string } {
  const { pluginConfig } = variant;
  if (pluginConfig === undefined) return {};
  if (typeof pluginConfig === "string") return { pluginConfig };
  if (typeof pluginConfig === "object" && pluginConfig !== null) return { pluginConfig };
  throw new AdminRefusal(422, "bad_value", "pluginConfig: expected an object or text", {
    problem: { kind: "config", pointer: `${at}/pluginConfig` },
  });
}

const BASIC_KEYS = ["name", "filter", "unit", "salt", "variants"];
/** As in the config; the control side reads them as it reads a config. */
const RULE_KEYS = ["mode", "layer", "targeting", "overrides", "sharedData", "metrics", "analysis", "rollout", "hooks"];

function rulesIn(body: Readonly<Record<string, unknown>>): Pick<ExperimentRequest, "rules"> {
  const rules = Object.fromEntries(RULE_KEYS.flatMap((key) => (body[key] === undefined ? [] : [[key, body[key]]])));
  return Object.keys(rules).length === 0 ? {} : { rules };
}

async function create({ control, body }: AdminRequest): Promise<Reply> {
  return show(await control.createExperiment(toRequest(toObject(body))), 201);
}

async function setWeights(request: AdminRequest): Promise<Reply> {
  const body = toObject(request.body);
  onlyKeys(body, ["weights"]);
  return show(await request.control.setWeights(await findForWrite(request), percentsIn(body, "weights")));
}

async function promote(request: AdminRequest): Promise<Reply> {
  const body = toObject(request.body);
  onlyKeys(body, ["arm"]);
  return show(await request.control.promote(await findForWrite(request), optionalStringIn(body, "arm")));
}

const wantsPage = ({ headers, query }: AdminRequest): boolean =>
  query.get("format") === "html" || (headers.accept ?? "").includes("text/html");

async function report(request: AdminRequest): Promise<Reply> {
  const found = await request.control.report((await find(request)).name);
  if (!wantsPage(request)) return json(found);
  return { ...text(reportPage(found), 200, "text/html; charset=utf-8"), headers: REPORT_HEADERS };
}

/** More in one request would hold up the thread that counts them. */
const MAX_EVENTS = 10_000;

function toEvent(event: Readonly<Record<string, unknown>>, at: string): PostedEvent {
  const { value = 1 } = event;
  if (typeof value !== "number" || !Number.isFinite(value)) {
    throw new AdminRefusal(422, "bad_value", "value: expected a number", {
      problem: { kind: "config", pointer: `${at}/value` },
    });
  }
  return { unit: stringIn(event, "unit", at), name: stringIn(event, "name", at), value };
}

/** One event, or `{events: [...]}`. */
async function postEvents(request: AdminRequest): Promise<Reply> {
  const body = toObject(request.body);
  const isList = body["events"] !== undefined;
  onlyKeys(body, isList ? ["events"] : ["unit", "name", "value"]);
  const events = isList
    ? objectsIn(body, "events").map((event, at) => toEvent(event, `/events/${at}`))
    : [toEvent(body, "")];
  if (events.length > MAX_EVENTS)
    throw new AdminRefusal(413, "too_many_events", `${events.length} events, at most ${MAX_EVENTS} in one request`);
  return json(await request.control.postEvents((await find(request)).name, events));
}

const JSON_BODY = { accepts: "application/json" };

export const EXPERIMENT_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/api/v1/experiments",
    summary: "All experiments",
    handle: async ({ control }) => json({ experiments: await control.experiments() }),
  },
  {
    method: "POST",
    path: "/api/v1/experiments",
    summary:
      "Start one: {name, filter, unit, salt?, variants: [{name, version, weight}]}, and the other keys of the config",
    ...JSON_BODY,
    handle: create,
  },
  {
    method: "GET",
    path: EXPERIMENT,
    summary: "One experiment with its counts",
    handle: async (request) => show(await find(request)),
  },
  {
    method: "PUT",
    path: `${EXPERIMENT}/weights`,
    summary: "Shift traffic: {weights: {arm: percent}}, adding up to 100",
    ...JSON_BODY,
    handle: setWeights,
  },
  {
    method: "POST",
    path: `${EXPERIMENT}:promote`,
    summary: "Make an arm ({arm}, default the candidate) live and end the experiment",
    ...JSON_BODY,
    handle: promote,
  },
  {
    method: "POST",
    path: `${EXPERIMENT}:pause`,
    summary: "Hold: weights stay, nothing goes on by itself but a rollback",
    handle: async (request) => show(await request.control.pause(await findForWrite(request))),
  },
  {
    method: "POST",
    path: `${EXPERIMENT}:resume`,
    summary: "Go on after a hold",
    handle: async (request) => show(await request.control.resume(await findForWrite(request))),
  },
  {
    method: "GET",
    path: `${EXPERIMENT}/report`,
    summary: "What is known of it; as a page with Accept: text/html",
    query: { format: "html for the page" },
    handle: report,
  },
  {
    method: "POST",
    path: `${EXPERIMENT}/events`,
    summary: "Something happened to a unit outside: {unit, name, value?} or {events: [...]}",
    ...JSON_BODY,
    handle: postEvents,
  },
  {
    method: "POST",
    path: `${EXPERIMENT}:abort`,
    summary: "Back to the control arm, at once",
    handle: async (request) => show(await request.control.abort(await findForWrite(request))),
  },
];
