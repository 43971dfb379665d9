// Status codes every `proxy_*` host function returns (proxy-wasm ABI 0.2.1; 5, 9 and 11 are the C++ SDK's).
// Constants file: valid in AssemblyScript and in TypeScript, so guest and host cannot drift.
export const OK = 0;
export const NOT_FOUND = 1;
export const BAD_ARGUMENT = 2;
export const SERIALIZATION_FAILURE = 3;
export const PARSE_FAILURE = 4;
export const BAD_EXPRESSION = 5;
export const INVALID_MEMORY_ACCESS = 6;
export const EMPTY = 7;
export const CAS_MISMATCH = 8;
export const RESULT_MISMATCH = 9;
export const INTERNAL_FAILURE = 10;
export const BROKEN_CONNECTION = 11;
export const UNIMPLEMENTED = 12;
