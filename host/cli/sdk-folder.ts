// Where the SDK is, in a checkout as in an installed package: it is a package of its own there.
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { problemError } from "../base/problem.ts";

/** Path of a file or folder of the SDK. @throws ProblemError when there is no SDK */
export function inSdk(path: string): string {
  try {
    return join(dirname(createRequire(import.meta.url).resolve("@sluice/sdk/package.json")), path);
  } catch {
    throw problemError("state", "no_sdk", "@sluice/sdk is not installed beside sluice", {
      hint: "npm install --save-dev @sluice/sdk",
    });
  }
}
