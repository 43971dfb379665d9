// Buffer ids of `proxy_get_buffer_bytes` and its kin (proxy-wasm ABI 0.2.1). Constants file, valid in both languages.
export const HTTP_REQUEST_BODY = 0;
export const HTTP_RESPONSE_BODY = 1;
export const DOWNSTREAM_DATA = 2;
export const UPSTREAM_DATA = 3;
export const HTTP_CALL_RESPONSE_BODY = 4;
export const GRPC_CALL_MESSAGE = 5;
export const VM_CONFIGURATION = 6;
export const PLUGIN_CONFIGURATION = 7;
export const FOREIGN_FUNCTION_ARGUMENTS = 8;
