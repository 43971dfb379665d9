// Experiments on filter versions: list, start, shift weights, promote, abort.
import { createHash } from "node:crypto";
import type { ExperimentRequest, ExperimentStatus } from "../control/types.ts";
import { objectsIn, onlyKeys, optionalStringIn, percentIn, percentsIn, stringIn, stringsIn, toObject } from "./body.ts";
import { AdminRefusal, json, type Reply } from "./reply.ts";
import type { AdminRequest, AdminRoute } from "./route.ts";

const EXPERIMENT = "/api/v1/experiments/{name}";

/** Names the definition, not the counts: those change with every request and would make If-Match useless. */
function etagOf(status: ExperimentStatus): string {
  const arms = status.arms.map((arm) => [arm.name, arm.version, arm.weight]);
  const text = JSON.stringify([status.name, status.filter, status.state, arms]);
  return `"${createHash("sha256").update(text).digest("hex").slice(0, 16)}"`;
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
  onlyKeys(body, ["name", "filter", "unit", "salt", "variants"]);
  const salt = optionalStringIn(body, "salt");
  const variants = objectsIn(body, "variants").map((variant, at) => ({
    name: stringIn(variant, "name", `/variants/${at}`),
    version: stringIn(variant, "version", `/variants/${at}`),
    weight: percentIn(variant, "weight", `/variants/${at}`),
  }));
  return {
    name: stringIn(body, "name"),
    filter: stringIn(body, "filter"),
    unit: stringsIn(body, "unit"),
    variants,
    ...(salt === undefined ? {} : { salt }),
  };
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
    summary: "Start one: {name, filter, unit, salt?, variants: [{name, version, weight}]}",
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
    path: `${EXPERIMENT}:abort`,
    summary: "Back to the control arm, at once",
    handle: async (request) => show(await request.control.abort(await findForWrite(request))),
  },
];
