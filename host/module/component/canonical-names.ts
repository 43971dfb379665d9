// Gives a core module the names of the canonical ABI. Many languages, AssemblyScript among them, cannot write a dash or a
// colon in a name: `on_request` stands for `on-request`, `cabi_post_on_request` for its release, and a module called
// `sluice-filter-host` for the interface a filter imports. Everything else stays as it is.
import { ByteReader, uleb } from "../reader.ts";
import { readExport, readImport, readSections, SECTION, type Section } from "../sections.ts";

const EXPORTS = ["on-configure", "on-request", "on-response"];
const HOST_MODULE = "sluice-filter-host";
const HOST_INTERFACE = "sluice:filter/host@0.1.0";

export function withCanonicalNames(bytes: Uint8Array): Uint8Array {
  const parts: Uint8Array[] = [];
  let from = 0;
  for (const section of readSections(bytes)) {
    const rewrite =
      section.id === SECTION.import ? renamedImport : section.id === SECTION.export ? renamedExport : null;
    if (rewrite === null) continue;
    const content = rewriteItems(bytes, section, rewrite);
    parts.push(
      bytes.subarray(from, section.header),
      Uint8Array.from([section.id, ...uleb(content.length), ...content]),
    );
    from = section.end;
  }
  return Buffer.concat([...parts, bytes.subarray(from)]);
}

type Rewrite = (reader: ByteReader) => number[];

function rewriteItems(bytes: Uint8Array, section: Section, rewrite: Rewrite): number[] {
  const reader = new ByteReader(bytes, section.start, section.end);
  const count = reader.u32();
  const out = uleb(count);
  for (let left = count; left > 0; left--) out.push(...rewrite(reader));
  return out;
}

const renamedExport: Rewrite = (reader) => {
  const from = reader.at;
  const name = exportName(reader.name());
  const names = reader.at;
  reader.at = from;
  readExport(reader);
  return [...textOf(name), ...reader.bytes.subarray(names, reader.at)];
};

const renamedImport: Rewrite = (reader) => {
  const from = reader.at;
  const given = [reader.name(), reader.name()];
  const names = reader.at;
  reader.at = from;
  readImport(reader);
  const [module, name = ""] = given;
  const renamed = module === HOST_MODULE ? [HOST_INTERFACE, name.replaceAll("_", "-")] : given;
  return [...renamed.flatMap(textOf), ...reader.bytes.subarray(names, reader.at)];
};

function textOf(text: string): number[] {
  const bytes = Buffer.from(text);
  return [...uleb(bytes.length), ...bytes];
}

function exportName(name: string): string {
  const [, prefix = "", bare = ""] = /^(cabi_post_)?(.*)$/.exec(name) ?? [];
  const dashed = bare.replaceAll("_", "-");
  return EXPORTS.includes(dashed) ? `${prefix}${dashed}` : name;
}
