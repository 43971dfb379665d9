// Who closed a TCP connection (proxy-wasm ABI 0.2.1). Constants file, valid in both languages.
export const UNKNOWN = 0;
export const LOCAL = 1;
export const REMOTE = 2;
