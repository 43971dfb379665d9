// Metric kinds of `proxy_define_metric` (proxy-wasm ABI 0.2.1). Constants file, valid in both languages.
export const COUNTER = 0;
export const GAUGE = 1;
export const HISTOGRAM = 2;
