// What a callback returns (proxy-wasm ABI 0.2.1: CONTINUE, PAUSE; the others are Envoy's refinements).
// Constants file, valid in both languages.
export const CONTINUE = 0;
export const PAUSE = 1;
/** Header callbacks: hold everything, buffer the body up to the limit. */
export const HEADERS_STOP_ALL_AND_BUFFER = 3;
/** Header callbacks: hold everything, stop reading at the watermark. */
export const HEADERS_STOP_ALL_AND_WATERMARK = 4;
/** Body callbacks: hold and buffer; the next callback sees the total. */
export const BODY_STOP_AND_BUFFER = 1;
/** Body callbacks: hold, stop reading at the watermark. */
export const BODY_STOP_AND_WATERMARK = 2;
/** Body callbacks: the chunk is the filter's own now; it is neither forwarded nor buffered. */
export const BODY_STOP_NO_BUFFER = 3;
