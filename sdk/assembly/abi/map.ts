// Header-map ids (proxy-wasm ABI 0.2.1). Constants file, valid in both languages.
export const HTTP_REQUEST_HEADERS = 0;
export const HTTP_REQUEST_TRAILERS = 1;
export const HTTP_RESPONSE_HEADERS = 2;
export const HTTP_RESPONSE_TRAILERS = 3;
export const GRPC_CALL_INITIAL_METADATA = 4;
export const GRPC_CALL_TRAILING_METADATA = 5;
export const HTTP_CALL_RESPONSE_HEADERS = 6;
export const HTTP_CALL_RESPONSE_TRAILERS = 7;
