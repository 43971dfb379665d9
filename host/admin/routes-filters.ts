// Filters and their versions: list, upload, swap, roll back.
import type { FilterStatus } from "../control/types.ts";
import { onlyKeys, optionalStringIn, toObject } from "./body.ts";
import { AdminRefusal, json, type Reply } from "./reply.ts";
import type { AdminRequest, AdminRoute } from "./route.ts";

const WASM_LIMIT = 64 * 1024 * 1024;
const FILTER = "/api/v1/filters/{name}";

async function find({ control, params }: AdminRequest): Promise<FilterStatus> {
  const filters = await control.filters();
  const found = filters.find((filter) => filter.name === params["name"]);
  if (found !== undefined) return found;
  const known = filters.map((filter) => filter.name).join(", ") || "none";
  throw new AdminRefusal(404, "unknown_filter", `no filter is named "${params["name"]}"`, {
    problem: { hint: `known: ${known}` },
  });
}

async function upload(request: AdminRequest): Promise<Reply> {
  const { name } = await find(request);
  if (request.body.byteLength === 0) {
    throw new AdminRefusal(422, "bad_module", "the body is empty, expected a .wasm module", {
      problem: { kind: "abi", hint: "curl --data-binary @filter.wasm" },
    });
  }
  const pluginConfig = request.query.get("pluginConfig");
  const swap = request.query.get("swap") === "true";
  const options = { swap, ...(pluginConfig === null ? {} : { pluginConfig }) };
  return json(await request.control.upload(name, request.body, options), 201);
}

async function swap(request: AdminRequest): Promise<Reply> {
  const { name } = await find(request);
  const body = toObject(request.body);
  onlyKeys(body, ["version"]);
  return json(await request.control.swap(name, optionalStringIn(body, "version")));
}

async function rollback(request: AdminRequest): Promise<Reply> {
  const { name } = await find(request);
  return json(await request.control.rollback(name));
}

export const FILTER_ROUTES: readonly AdminRoute[] = [
  {
    method: "GET",
    path: "/api/v1/filters",
    summary: "Filters and what is live",
    handle: async ({ control }) => json({ filters: await control.filters() }),
  },
  {
    method: "GET",
    path: `${FILTER}/versions`,
    summary: "All versions of a filter",
    handle: async (request) => json({ versions: (await find(request)).versions }),
  },
  {
    method: "GET",
    path: `${FILTER}/crashes`,
    summary: "The newest crash reports of a filter, newest first",
    handle: async (request) => json({ crashes: request.control.crashes((await find(request)).name) }),
  },
  {
    method: "POST",
    path: `${FILTER}/versions`,
    summary: "Validate and store a module; with swap=true also make it live",
    accepts: "application/wasm",
    bodyLimit: WASM_LIMIT,
    query: { swap: "true: make it live", pluginConfig: "JSON text for this version; absent = the filter's own" },
    handle: upload,
  },
  {
    method: "POST",
    path: `${FILTER}:swap`,
    summary: "Make a version live ({version}), or rebuild from source (no body); answers when all threads have swapped",
    accepts: "application/json",
    handle: swap,
  },
  { method: "POST", path: `${FILTER}:rollback`, summary: "Back to the version that was live before", handle: rollback },
];
