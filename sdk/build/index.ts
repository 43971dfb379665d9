// The build tool's door: compile a filter's AssemblyScript into a proxy-wasm module. Used by `sluice build|dev|test`.
// Nothing here loads asc into the caller's process.
export { Compiler } from "./compiler.ts";
export {
  BuildError,
  type Compiled,
  type CompileOptions,
  type CompilerOptions,
  codeName,
  describe,
  type Diagnostic,
  type FilterInfo,
  type Mode,
} from "./types.ts";
export { ASC_VERSION } from "./versions.ts";
export { codeSize } from "./wasm.ts";
