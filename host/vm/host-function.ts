// The shape of what a guest may import.

/** Takes wasm values, answers a status or nothing; `never` because each takes its own. */
export type HostFunction = (...args: never[]) => number | bigint | undefined | void;
export type HostFunctions = Readonly<Record<string, HostFunction>>;
