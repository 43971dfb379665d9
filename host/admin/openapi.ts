// The admin API described from its own route table, so that description and behaviour cannot part.
import type { AdminRoute } from "./route.ts";

function parametersOf(route: AdminRoute): readonly object[] {
  const inPath = [...route.path.matchAll(/\{(\w+)\}/g)].map((found) => ({
    name: found[1],
    in: "path",
    required: true,
    schema: { type: "string" },
  }));
  const inQuery = Object.entries(route.query ?? {}).map(([name, description]) => ({
    name,
    in: "query",
    description,
    schema: { type: "string" },
  }));
  return [...inPath, ...inQuery];
}

function answerOf({ answers }: AdminRoute): object {
  if (answers === undefined) return { description: "Done" };
  return { description: answers.description, content: { [answers.type]: { schema: answers.schema } } };
}

function operationOf(route: AdminRoute): object {
  return {
    summary: route.summary,
    parameters: parametersOf(route),
    ...(route.accepts === undefined ? {} : { requestBody: { content: { [route.accepts]: {} } } }),
    responses: {
      "2XX": answerOf(route),
      default: { description: "RFC 9457 problem", content: { "application/problem+json": {} } },
    },
  };
}

/** OpenAPI 3.1. */
export function toOpenApi(routes: readonly AdminRoute[], version: string): object {
  const paths: Record<string, Record<string, object>> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operationOf(route) };
  }
  return {
    openapi: "3.1.0",
    info: { title: "sluice admin API", version },
    security: [{ bearer: [] }, {}],
    components: { securitySchemes: { bearer: { type: "http", scheme: "bearer" } } },
    paths,
  };
}

/** The list at `/`, for people. */
export function toIndex(routes: readonly AdminRoute[]): string {
  const lines = routes.map((route) => `${route.method.padEnd(5)}${route.path.padEnd(40)}${route.summary}`);
  return `sluice admin API\n\n${lines.join("\n")}\n`;
}
