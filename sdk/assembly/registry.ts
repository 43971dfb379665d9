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

/** Address of the stream with this id, or 0. Addresses of pinned objects need no place on the shadow stack. */
export function streamAt(id: u32): usize {
  if (recent && load<u32>(recent, offsetof<Stream>("id")) == id) return recent;
  let at = load<usize>(bucketOf(id));
  while (at && load<u32>(at, offsetof<Stream>("id")) != id) at = load<usize>(at, offsetof<Stream>("chain"));
  if (at) recent = at;
  return at;
}

/** The only plugin context, or null when there are none or several. */
export function onlyRoot(): RootBase | null {
  const root = firstRoot;
  return root && root.next === null ? root : null;
}

/** Adds the stream at this address, which is pinned. */
export function addStream(stream: usize): void {
  const bucket = bucketOf(load<u32>(stream, offsetof<Stream>("id")));
  store<usize>(stream, load<usize>(bucket), offsetof<Stream>("chain"));
  recent = stream;
  store<usize>(bucket, stream);
}

/** Forgets a stream; it stays pinned. */
export function removeStream(stream: usize): void {
  let link = bucketOf(load<u32>(stream, offsetof<Stream>("id")));
  while (load<usize>(link) != stream) link = load<usize>(link) + offsetof<Stream>("chain");
  store<usize>(link, load<usize>(stream, offsetof<Stream>("chain")));
  recent = 0;
}
