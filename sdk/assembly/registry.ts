// Context ids to objects. Streams stand in a static hash table chained through the objects themselves and are pinned
// while they live: no Map, hence no rehashing garbage however many streams come and go. Roots are few.
import { Stream } from "./context";
import { RootBase } from "./root";

/** 1024 buckets, each the address of a stream. */
const TABLE: usize = memory.data(4096, 4);

let firstRoot: RootBase | null = null;
// Consecutive callbacks mostly belong to one stream: one comparison instead of a look-up. The address of a pinned object.
let recent: usize = 0;

function bucketOf(id: u32): usize {
  // Ids count upwards, often in steps: multiply, so that steps of a power of two spread as well.
  return TABLE + <usize>(((id * 0x9e3779b1) >> 22) << 2);
}

/** The plugin context with this id, or null. */
export function rootOf(id: u32): RootBase | null {
  let root = firstRoot;
  while (root && root.id != id) root = root.next;
  return root;
}

/** Adds a plugin context. */
export function addRoot(root: RootBase): void {
  root.next = firstRoot;
  firstRoot = root;
}

/** Forgets a plugin context. */
export function removeRoot(root: RootBase): void {
  let before: RootBase | null = null;
  let at: RootBase | null = firstRoot;
  while (at) {
    if (at === root) {
      if (before) before.next = root.next;
      else firstRoot = root.next;
      return;
    }
    before = at;
    at = at.next;
  }
}

/** The stream with this id, or null. */
export function streamOf(id: u32): Stream | null {
  if (recent && changetype<Stream>(recent).id == id) return changetype<Stream>(recent);
  let at = load<usize>(bucketOf(id));
  while (at && changetype<Stream>(at).id != id) at = changetype<Stream>(at).chain;
  if (!at) return null;
  recent = at;
  return changetype<Stream>(at);
}

/** Adds a stream. */
export function addStream(stream: Stream): void {
  const bucket = bucketOf(stream.id);
  stream.chain = load<usize>(bucket);
  recent = __pin(changetype<usize>(stream));
  store<usize>(bucket, recent);
}

/** Forgets a stream. */
export function removeStream(stream: Stream): void {
  let link = bucketOf(stream.id);
  while (load<usize>(link) != changetype<usize>(stream)) link = load<usize>(link) + offsetof<Stream>("chain");
  store<usize>(link, stream.chain);
  recent = 0;
  __unpin(changetype<usize>(stream));
}
