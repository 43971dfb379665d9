// Status words of the ABI (abi.md 4), for cases.
export const OK = 0;
export const NOT_FOUND = 1;
export const BAD_ARGUMENT = 2;
export const SERIALIZATION_FAILURE = 3;
export const PARSE_FAILURE = 4;
/** INVALID_MEMORY_ACCESS. */
export const IMA = 6;
export const EMPTY = 7;
export const CAS_MISMATCH = 8;
export const INTERNAL_FAILURE = 10;
export const UNIMPLEMENTED = 12;

export const CONTINUE = 0;
export const PAUSE = 1;
