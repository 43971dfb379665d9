// What a data thread makes instances of: a core module, or a component taken apart into core modules and the JavaScript
// that joins them. Both are structured-cloneable; V8 shares the compiled code between threads.

export interface CoreModule {
  /** What the glue asks for. */
  readonly name: string;
  readonly module: WebAssembly.Module;
  /** It defines a linear memory. */
  readonly ownsMemory: boolean;
}

export interface ComponentProgram {
  /** Source text of a script whose last statement returns the function `instantiate`. */
  readonly glue: string;
  readonly cores: readonly CoreModule[];
}

export type Program = WebAssembly.Module | ComponentProgram;

export const isComponent = (program: Program): program is ComponentProgram => "glue" in program;
