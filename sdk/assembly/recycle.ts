// Objects of streams, used again. A stream that ends leaves its object in a chain; the next one takes it, made new by copying
// a pristine one over it. Allocating, pinning and sweeping an object per stream was a tenth of what a stream with a header
// callback cost (bench: P6). Only for classes that the build has found to begin the same each time.
//
// Everything here is pinned while it is in use or waits: the collector visits pinned objects at both ends of its marking, so
// the copies need no write barrier. Addresses instead of references keep these functions off the shadow stack.
import { Config } from "./config/config";
import { Stream } from "./context";
import { Plugin } from "./plugin";
import { Spares } from "./spares";

/** An object's size stands in the word before it (assemblyscript std, rt/common.ts). */
const SIZE_BEFORE: usize = 4;

/** Address of a new stream, pinned. */
export function takeStream(plugin: Plugin, spares: Spares, config: Config): usize {
  const spare = spares.first;
  if (spare) {
    spares.first = load<usize>(spare, offsetof<Stream>("chain"));
    memory.copy(spare, spares.pristine, load<u32>(spare - SIZE_BEFORE));
    return spare;
  }
  if (!spares.pristine && plugin.recycles) spares.pristine = __pin(changetype<usize>(plugin.newStream(config)));
  return __pin(changetype<usize>(plugin.newStream(config)));
}

/** The stream at this address is over and nothing refers to it any more. */
export function leaveStream(spares: Spares, stream: usize): void {
  if (!spares.pristine) {
    __unpin(stream);
    return;
  }
  store<usize>(stream, spares.first, offsetof<Stream>("chain"));
  spares.first = stream;
}

/** Another configuration, or the end of the plugin context: what was kept goes to the collector. */
export function forgetSpares(spares: Spares): void {
  while (spares.first) {
    const next = load<usize>(spares.first, offsetof<Stream>("chain"));
    __unpin(spares.first);
    spares.first = next;
  }
  if (spares.pristine) __unpin(spares.pristine);
  spares.pristine = 0;
}
