// What Node has and its type package leaves out: the WebAssembly namespace (TypeScript ships it with the DOM only) and the
// latin1 methods of Buffer, which are the fastest way between bytes and header text (performance.md 5.1).

interface Buffer {
  latin1Slice(start?: number, end?: number): string;
  latin1Write(text: string, offset?: number, length?: number): number;
}

declare namespace WebAssembly {
  type ExportValue = Function | Global | Memory | Table;
  type ImportValue = ExportValue | number;
  type Exports = Record<string, ExportValue>;
  type Imports = Record<string, Record<string, ImportValue>>;
  type Kind = "function" | "table" | "memory" | "global" | "tag";

  interface ImportDescriptor {
    readonly module: string;
    readonly name: string;
    readonly kind: Kind;
  }

  interface ExportDescriptor {
    readonly name: string;
    readonly kind: Kind;
  }

  class Module {
    constructor(bytes: Uint8Array | ArrayBuffer);
    static imports(module: Module): ImportDescriptor[];
    static exports(module: Module): ExportDescriptor[];
    static customSections(module: Module, name: string): ArrayBuffer[];
  }

  class Instance {
    constructor(module: Module, imports?: Imports);
    readonly exports: Exports;
  }

  class Memory {
    constructor(descriptor: { initial: number; maximum?: number; shared?: boolean });
    readonly buffer: ArrayBuffer | SharedArrayBuffer;
    grow(pages: number): number;
  }

  class Table {
    readonly length: number;
  }

  class Global {
    constructor(descriptor: { value: string; mutable?: boolean }, value?: number | bigint);
    value: number | bigint;
  }

  class RuntimeError extends Error {}
  class Exception {
    is(tag: unknown): boolean;
  }
  class CompileError extends Error {}
  class LinkError extends Error {}

  function validate(bytes: Uint8Array | ArrayBuffer): boolean;
  function compile(bytes: Uint8Array | ArrayBuffer): Promise<Module>;
}
