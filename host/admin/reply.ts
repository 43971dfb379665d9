// What a route answers, before it is bytes: plain data, so that routes are functions and only server.ts knows a socket.
import type { ServerResponse } from "node:http";
import { type Problem, toProblems } from "../base/problem.ts";

export interface Reply {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Written to the audit log although nothing is changed: somebody looks at traffic. */
  readonly audited?: boolean;
  /** Takes the response over after its head went out (server-sent events). Not called for HEAD. */
  readonly stream?: (response: ServerResponse) => void;
}

/** JSON, one line per value so that curl's output can be read. */
export function json(value: unknown, status = 200, headers: Readonly<Record<string, string>> = {}): Reply {
  return { status, type: "application/json", body: `${JSON.stringify(value, null, 2)}\n`, headers };
}

export function text(body: string, status = 200, type = "text/plain; charset=utf-8"): Reply {
  return { status, type, body };
}

/** A refusal by the admin API itself; becomes problem+json like every other one. */
export class AdminRefusal extends Error {
  readonly status: number;
  readonly problem: Problem;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string, message: string, more: RefusalDetails = {}) {
    super(message);
    this.name = "AdminRefusal";
    this.status = status;
    this.problem = { kind: "state", code, message, ...more.problem };
    this.headers = more.headers ?? {};
  }
}

interface RefusalDetails {
  readonly problem?: Partial<Problem>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** 422 for what the sender can repair, 404 for what is not there, 409 for what does not fit the state, 500 for bugs. */
function statusOf(problem: Problem): number {
  if (problem.kind !== "state") return 422;
  if (problem.code === "internal_error") return 500;
  if (/^unknown_|_not_found$/.test(problem.code)) return 404;
  return /^(bad|invalid|wrong|missing)_/.test(problem.code) ? 422 : 409;
}

const TITLES: Readonly<Record<number, string>> = {
  400: "Bad request",
  401: "Token needed",
  403: "Forbidden",
  404: "Not found",
  405: "Method not allowed",
  409: "Does not fit the present state",
  412: "Changed meanwhile",
  413: "Body too large",
  422: "Cannot be accepted",
  500: "Internal error",
  503: "Not available",
};

/** RFC 9457. The first problem's place stands at the top; `problems` holds all of them. */
function problemJson(status: number, problems: readonly Problem[], headers: Readonly<Record<string, string>>): Reply {
  const [first] = problems;
  const body = {
    type: `https://sluice.dev/problems/${first?.code ?? "internal_error"}`,
    title: TITLES[status] ?? "Error",
    status,
    detail: first?.message ?? "unknown error",
    ...first,
    problems,
  };
  return { status, type: "application/problem+json", body: `${JSON.stringify(body, null, 2)}\n`, headers };
}

/** Any error -> answer. */
export function toReply(error: unknown): Reply {
  if (error instanceof AdminRefusal) return problemJson(error.status, [error.problem], error.headers);
  const problems = toProblems(error);
  const [first] = problems;
  return problemJson(first === undefined ? 500 : statusOf(first), problems, {});
}
