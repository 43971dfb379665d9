// Stream ids of `proxy_continue_stream` and `proxy_close_stream` (proxy-wasm ABI 0.2.0). Constants file, valid in both languages.
export const HTTP_REQUEST = 0;
export const HTTP_RESPONSE = 1;
export const DOWNSTREAM = 2;
export const UPSTREAM = 3;
