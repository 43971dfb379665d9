// The few things the build reads from and adds to a WebAssembly binary: imports, exports, static texts, custom sections.

const DATA_SECTION = 11;

function leb(value: number): number[] {
  const bytes: number[] = [];
  for (let rest = value; ; ) {
    const low = rest & 0x7f;
    rest >>>= 7;
    bytes.push(rest === 0 ? low : low | 0x80);
    if (rest === 0) return bytes;
  }
}

function readLeb(wasm: Uint8Array, at: number): { readonly value: number; readonly next: number } {
  let value = 0;
  let next = at;
  for (let shift = 0; ; shift += 7) {
    const byte = wasm[next++] ?? 0;
    value |= (byte & 0x7f) << shift;
    if (byte < 0x80) return { value: value >>> 0, next };
  }
}

/** The binary with a custom section at its end; after emission, so that no optimisation can drop it. */
export function appendSection(wasm: Uint8Array, name: string, content: string): Uint8Array {
  const title = Buffer.from(name);
  const body = Buffer.from(content);
  const titleSize = leb(title.length);
  const size = leb(titleSize.length + title.length + body.length);
  return Buffer.concat([wasm, Buffer.from([0, ...size, ...titleSize]), title, body]);
}

/** Each section's id and content. */
function sections(wasm: Uint8Array): { readonly id: number; readonly start: number; readonly end: number }[] {
  const found = [];
  for (let at = 8; at < wasm.length; ) {
    const id = wasm[at] ?? 0;
    const size = readLeb(wasm, at + 1);
    found.push({ id, start: size.next, end: size.next + size.value });
    at = size.next + size.value;
  }
  return found;
}

/** Bytes without custom sections: what size budgets count. */
export function codeSize(wasm: Uint8Array): number {
  const custom = sections(wasm).filter((section) => section.id === 0);
  return wasm.length - custom.reduce((sum, section) => sum + 1 + leb(section.end - section.start).length + section.end - section.start, 0);
}

/** AssemblyScript string literals (UTF-16) in the data section that match `pattern` as a whole. */
export function literals(wasm: Uint8Array, pattern: RegExp): string[] {
  const found = new Set<string>();
  for (const section of sections(wasm).filter((one) => one.id === DATA_SECTION)) {
    const text = Buffer.from(wasm.subarray(section.start, section.end)).toString("latin1");
    for (const match of text.matchAll(/(?:[\x20-\x7e]\0)+/g)) {
      const literal = match[0].replaceAll("\0", "");
      if (pattern.test(literal)) found.add(literal);
    }
  }
  return [...found].sort();
}
