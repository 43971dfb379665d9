// The shape of an admin route and the table lookup: path and method -> route, parameters, or why not.
import type { IncomingHttpHeaders } from "node:http";
import type { MetricSample } from "../observe/samples.ts";
import type { ControlPlane } from "../control/types.ts";
import { AdminRefusal, type Reply } from "./reply.ts";

export interface AdminRequest {
  readonly control: ControlPlane;
  /** What stands for `{name}` in the path. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
  /** Nobody will read the answer's body: nothing may be opened for it. */
  readonly isHead: boolean;
  readonly body: Uint8Array;
  /** Samples -> Prometheus text. */
  readonly renderMetrics: (samples: readonly MetricSample[]) => string;
}

export interface AdminRoute {
  /** Reads are GET (and HEAD); everything else writes and goes to the audit log. */
  readonly method: "GET" | "POST" | "PUT";
  /** `{name}` takes one part of the path. */
  readonly path: string;
  /** One line; becomes the OpenAPI summary. */
  readonly summary: string;
  /** Media type of the body, if there is one. */
  readonly accepts?: string;
  /** Bytes. Default 1 MiB. */
  readonly bodyLimit?: number;
  readonly query?: Readonly<Record<string, string>>;
  /** What a good answer holds, for OpenAPI; absent = described nowhere else than in control/types.ts. */
  readonly answers?: { readonly type: string; readonly description: string; readonly schema: object };
  readonly handle: (request: AdminRequest) => Promise<Reply> | Reply;
}

export interface FoundRoute {
  readonly route: AdminRoute;
  readonly params: Readonly<Record<string, string>>;
}

/** `/filters/{name}:swap` -> pattern. Names hold neither `/` nor `:`, so verbs cannot be mistaken for names. */
function patternOf(path: string): RegExp {
  return new RegExp(`^${path.replaceAll(/\{(\w+)\}/g, "(?<$1>[^/:]+)")}$`);
}

function decode(groups: Readonly<Record<string, string>>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([key, value]) => [key, decodeURIComponent(value)]));
  } catch {
    throw new AdminRefusal(400, "bad_path", "the path is not valid percent-encoding");
  }
}

/** A table compiled once. @throws AdminRefusal 404, or 405 with Allow. */
export function createFinder(routes: readonly AdminRoute[]): (method: string, path: string) => FoundRoute {
  const table = routes.map((route) => ({ route, pattern: patternOf(route.path) }));
  return (method, path) => {
    const matching = table.filter(({ pattern }) => pattern.test(path));
    const wanted = method === "HEAD" ? "GET" : method;
    const found = matching.find(({ route }) => route.method === wanted);
    if (found !== undefined) {
      return { route: found.route, params: decode({ ...found.pattern.exec(path)?.groups }) };
    }
    if (matching.length === 0) {
      throw new AdminRefusal(404, "unknown_path", `nothing is at ${path}`, {
        problem: { hint: "GET / lists what is there" },
      });
    }
    const allow = matching.flatMap(({ route }) => (route.method === "GET" ? ["GET", "HEAD"] : [route.method]));
    throw new AdminRefusal(405, "wrong_method", `${path} does not take ${method}`, {
      problem: { hint: `use ${allow.join(" or ")}` },
      headers: { allow: allow.join(", ") },
    });
  };
}
