// Where the code of each function of a module begins and ends: for finding the line that a trap came from.
import { openSection, readSections, SECTION } from "./sections.ts";

/** Byte offsets, flat: begin, end, begin, end, ...; ascending. Expects a valid module. */
export function functionRanges(bytes: Uint8Array): readonly number[] {
  const reader = openSection(bytes, readSections(bytes), SECTION.code);
  const ranges: number[] = [];
  if (reader === null) return ranges;
  for (let left = reader.u32(); left > 0; left--) {
    const size = reader.u32();
    ranges.push(reader.at, reader.at + size);
    reader.skip(size);
  }
  return ranges;
}
