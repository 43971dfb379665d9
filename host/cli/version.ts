// The version of the package, read from its manifest so that it stands in one place.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

function read(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  const version: unknown = Object(manifest).version;
  return typeof version === "string" ? version : "0.0.0";
}

export const VERSION: string = read();
/** The folder the package stands in: filters/, sdk/ and schema/ are here. */
export const PACKAGE_ROOT: string = fileURLToPath(new URL("../../", import.meta.url));
