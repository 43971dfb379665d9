// Levels of `proxy_log` (proxy-wasm ABI 0.2.1). Constants file, valid in both languages.
export const TRACE = 0;
export const DEBUG = 1;
export const INFO = 2;
export const WARN = 3;
export const ERROR = 4;
export const CRITICAL = 5;
