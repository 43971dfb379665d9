// `npm run api-report`: writes sdk/api-report.md, the whole of what filter authors may rely on.
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { type ApiExport, readApi } from "./api.ts";

export const SDK = join(import.meta.dirname, "..");
/** Doors of the SDK, and how a filter names them. */
export const DOORS = { "index.ts": "@sluice/sdk", "governance.ts": "@sluice/sdk/governance" } as const;
export const REPORT = "api-report.md";

const HEAD = `# API of @sluice/sdk

Written by \`npm run api-report\` from the SDK's sources, compared by a test: a change here is a change of what filters are
compiled against. Inherited members are listed where they are declared.
`;

export function apiReport(): string {
  const doors = Object.entries(DOORS).map(([file, name]) => `\n## ${name}\n${readApi(SDK, file).map(section).join("")}`);
  return HEAD + doors.join("");
}

function section({ name, signature, file, doc, members }: ApiExport): string {
  const lines = members.map((member) => `- \`${member.signature}\`${member.doc === "" ? "" : `: ${member.doc}`}\n`);
  const list = lines.length === 0 ? "" : `\n${lines.join("")}`;
  return `\n### ${name}\n\n\`${signature}\` in ${file}\n${doc === "" ? "" : `\n${doc}\n`}${list}`;
}

if (import.meta.main) writeFileSync(join(SDK, REPORT), apiReport());
