// A full collection on request. V8 sees a retired filter as one small object and lets it wait for a collection that a thread
// with short-living garbage hardly ever needs; what hangs on it (linear memory, machine code) lies outside its heap.
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";

let collect: (() => void) | null = null;

/** Stops the calling thread for 5 to 15 ms. */
export function collectGarbage(): void {
  if (collect === null) {
    // The function is only there for contexts made after the flag.
    setFlagsFromString("--expose-gc");
    collect = runInNewContext("gc") as () => void;
  }
  collect();
}
