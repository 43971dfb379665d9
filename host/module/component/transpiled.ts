// What jco makes of a component, as plain data: it crosses a process border and is kept on disk. Nothing here is trusted yet.

export interface Transpiled {
  /** The component's own world, as WIT text. */
  readonly wit: string;
  /** TypeScript declarations by file name: what the types of its interfaces are made of. */
  readonly types: Readonly<Record<string, string>>;
  /** An ES module without imports that exports `instantiate`. */
  readonly glue: string;
  readonly cores: readonly (readonly [name: string, bytes: Uint8Array])[];
}

/** A job of the child process. WIT is text throughout: reading it by path is broken in some versions of jco's shim. */
export type ComponentJob =
  | { readonly kind: "transpile"; readonly bytes: Uint8Array }
  /** A core module that has the world's canonical exports. */
  | { readonly kind: "embed"; readonly bytes: Uint8Array; readonly world: WorldSource; readonly encoding: Encoding }
  /** Source text in JavaScript. */
  | { readonly kind: "javascript"; readonly source: string; readonly world: WorldSource }
  /** A core module with others between it and the world. */
  | { readonly kind: "wrap"; readonly bytes: Uint8Array; readonly adapters: readonly Adapter[] };

export interface Adapter {
  /** Of the imported module it stands for. */
  readonly name: string;
  /** A core module as text. */
  readonly wat: string;
  readonly world: WorldSource;
}

export type Encoding = "utf8" | "utf16";

export interface WorldSource {
  /** Text of a whole WIT package. */
  readonly wit: string;
  /** Name of a world in it. */
  readonly name: string;
}

export interface ComponentAsk {
  readonly id: number;
  readonly job: ComponentJob;
}

export interface ComponentAnswer {
  readonly id: number;
  readonly transpiled?: Transpiled;
  readonly component?: Uint8Array;
  /** In jco's words. */
  readonly failure?: string;
}
