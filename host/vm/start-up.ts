// How a module is started: `_initialize`, then `main` (or `__main_void`); only without `_initialize`: `_start` (abi.md 3.1).
import { GuestAbort } from "./faults.ts";

/** @param forgiven called when the guest ended its `_start` with `proc_exit(0)`, the ordinary end of a WASI command */
export function startUp(exports: WebAssembly.Exports, forgiven: () => void): void {
  const { _initialize: initialize, _start: start, main, __main_void: mainVoid } = exports;
  if (typeof initialize !== "function") {
    if (typeof start === "function") runStart(start, forgiven);
    return;
  }
  initialize();
  if (typeof main === "function") main(0, 0);
  else if (typeof mainVoid === "function") mainVoid();
}

/** `proc_exit(0)`: abi.md 12.1. */
function runStart(start: WebAssembly.ExportValue, forgiven: () => void): void {
  try {
    (start as () => void)();
  } catch (error) {
    if (!(error instanceof GuestAbort && error.message === "proc_exit(0)")) throw error;
    forgiven();
  }
}
