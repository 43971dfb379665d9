// An experiment that came over the admin API -> the same options as one in the config, refused for the same reasons with
// pointers into what was sent. Read as a file that holds nothing else.
import { ProblemError } from "../base/problem.ts";
import type { ExperimentOptions } from "../experiment/options.ts";
import { parseConfig } from "./load.ts";

export interface Surroundings {
  /** Sources are relative to the folder of this file. */
  readonly path: string;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** @throws ProblemError */
export async function readDefinition(
  definition: Readonly<Record<string, unknown>>,
  { path, env }: Surroundings,
): Promise<ExperimentOptions> {
  const route = { name: "all", match: { prefix: "/" }, directResponse: { status: 200 } };
  const whole = {
    listeners: [{ name: "none", address: "127.0.0.1:0", routes: [route] }],
    filters: [{ name: definition["filter"] }],
    experiments: [definition],
  };
  try {
    const { config } = await parseConfig(JSON.stringify(whole, null, 1), { path, env, files: false });
    const [read] = config.experiments;
    if (read === undefined) throw new Error("no experiment was read");
    return read;
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    // Places in a text that nobody has seen would only mislead.
    const problems = error.problems.map(({ kind, code, message, hint, pointer = "" }) => ({
      kind,
      code,
      message,
      pointer: pointer.replace(/^\/experiments\/0/, ""),
      ...(hint === undefined ? {} : { hint }),
    }));
    throw new ProblemError(problems, { cause: error });
  }
}
