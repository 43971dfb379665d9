// What a filter component may import, as AssemblyScript declares it: `sluice componentize` gives this file's functions the
// names that sdk/wit/sluice-filter.wit has for them (`sluice:filter/host`, `log`, `get-config`).

/** @param level 0 trace to 5 critical */
export declare function log(level: i32, text: usize, length: usize): void;

/** Writes pointer and length of the configuration to `answer`; the text is the guest's then. */
export declare function get_config(answer: usize): void;
