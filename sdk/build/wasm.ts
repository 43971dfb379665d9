// The few things the build reads from and adds to a WebAssembly binary: imports, exports, static texts, custom sections.

const DATA_SECTION = 11;

/** An unsigned LEB128 number. */
export function toLeb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
    if (rest === 0) return bytes;
  }
}

/** Reads one at `at`; `next` is the offset behind it. */
export function readLeb(wasm: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  let next = at;
  for (let shift = 0; ; shift += 7) {
    const byte = wasm[next++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value: value >>> 0, next };
  }
}

/** The binary with a custom section at its end; after emission, so that no optimisation can drop it. */
export function appendSection(wasm: Uint8Array, name: string, content: string | Uint8Array): Uint8Array {
  const title = Buffer.from(name);
  const body = typeof content === "string" ? Buffer.from(content) : content;
  const titleSize = toLeb(title.length);
  const size = toLeb(titleSize.length + title.length + body.length);
  return Buffer.concat([wasm, Buffer.from([0, ...size, ...titleSize]), title, body]);
}

/** Content of the custom section `name`, or null. */
export function customSection(wasm: Uint8Array, name: string): Uint8Array | null {
  const found = sections(wasm).find((one) => one.name === name);
  return found === undefined ? null : wasm.subarray(found.content, found.end);
}

/** The binary without the custom section `name`. */
export function withoutSection(wasm: Uint8Array, name: string): Uint8Array {
  const found = sections(wasm).find((one) => one.name === name);
  return found === undefined ? wasm : Buffer.concat([wasm.subarray(0, found.start), wasm.subarray(found.end)]);
}

interface Section {
  readonly id: number;
  /** Name of a custom section, "" of others. */
  readonly name: string;
  /** Offset of the id byte. */
  readonly start: number;
  /** Offset of the content, behind the name of a custom section. */
  readonly content: number;
  readonly end: number;
}

function sections(wasm: Uint8Array): Section[] {
  const found: Section[] = [];
  for (let at = 8; at < wasm.length; ) {
    const id = wasm[at] ?? 0;
    const size = readLeb(wasm, at + 1);
    const title = id === 0 ? readLeb(wasm, size.next) : { value: 0, next: size.next };
    const content = title.next + title.value;
    const name = Buffer.from(wasm.subarray(title.next, content)).toString();
    found.push({ id, name, start: at, content, end: size.next + size.value });
    at = size.next + size.value;
  }
  return found;
}

/** Bytes without custom sections: what size budgets count. */
export function codeSize(wasm: Uint8Array): number {
  return sections(wasm).reduce((sum, one) => sum - (one.id === 0 ? one.end - one.start : 0), wasm.length);
}

/** AssemblyScript string literals (UTF-16) in the data section that match `pattern` as a whole. */
export function literals(wasm: Uint8Array, pattern: RegExp): string[] {
  const found = new Set<string>();
  for (const section of sections(wasm).filter((one) => one.id === DATA_SECTION)) {
    const text = Buffer.from(wasm.subarray(section.content, section.end)).toString("latin1");
    for (const match of text.matchAll(/(?:[\x20-\x7e]\0)+/g)) {
      const literal = match[0].replaceAll("\0", "");
      if (pattern.test(literal)) found.add(literal);
    }
  }
  return [...found].sort();
}
