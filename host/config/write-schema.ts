// `npm run schema`: writes schema/sluice.schema.json from the typebox source. A test checks that the file is current.
import { writeFileSync } from "node:fs";
import { CONFIG_SCHEMA } from "./schema.ts";

/** The schema file as it must stand in the package. */
export function schemaText(): string {
  return `${JSON.stringify(CONFIG_SCHEMA, null, 2)}\n`;
}

if (import.meta.main) writeFileSync(new URL("../../schema/sluice.schema.json", import.meta.url), schemaText());
