// What the config tests share: parsing with a fixed path and reading problems as `line:column code`.
import { type Problem, ProblemError } from "../../../host/base/problem.ts";
import { type ParsedConfig, parseConfig } from "../../../host/config/load.ts";

export const parse = (text: string, env: Record<string, string> = {}, strict = false): Promise<ParsedConfig> =>
  parseConfig(text, { path: "/etc/sluice/sluice.yaml", env, strict });

export async function problemsOf(text: string, env: Record<string, string> = {}, strict = false) {
  try {
    await parse(text, env, strict);
  } catch (error) {
    if (error instanceof ProblemError) return error.problems;
    throw error;
  }
  return [];
}

export const where = (problem: Problem): string => `${problem.line}:${problem.column} ${problem.code}`;

/** A valid config to which a test adds or in which it changes one thing. Lines are counted from its first. */
export const MINIMAL = `listeners:
  - name: public
    address: 127.0.0.1:8080
    routes:
      - { name: all, match: { prefix: / }, route: { cluster: web } }
clusters:
  - { name: web, endpoints: [{ address: 127.0.0.1:9001 }] }
`;
