// Taking entries out of shared data in numbers: making room in a full namespace, emptying one, listing keys. All of it
// walks the buckets one lock at a time and holds none while it frees or allocates.
import type { SharedSpaces } from "./shared-spaces.ts";
import { BUCKETS, type SharedTable } from "./shared-table.ts";

/** As many entries are compared for one eviction; Redis reaches a fair LRU with five to ten. */
const SAMPLES = 8;

interface Victim {
  bucket: number;
  entry: number;
  cas: number;
  age: number;
}

/**
 * Removes the least recently used of some entries of `space`, expired ones first. The search goes on where the last one
 * ended. False when the namespace is empty.
 */
export function evictOne(table: SharedTable, spaces: SharedSpaces, space: number, nowMs: number): boolean {
  const start = spaces.hand(space);
  const victim: Victim = { bucket: 0, entry: 0, cas: 0, age: -1 };
  let samples = 0;
  for (let step = 0; step < BUCKETS && samples < SAMPLES; step++) {
    const index = (start + step) & (BUCKETS - 1);
    const bucket = table.bucketAt(index);
    if (table.first(bucket) === 0 || !table.heap.lock(bucket)) continue;
    samples += sample(table, space, nowMs, { bucket, victim });
    table.heap.unlock(bucket);
    spaces.setHand(space, index + 1);
  }
  if (victim.age >= 0 && removeIfSame(table, spaces, victim)) spaces.countEvicted(space);
  return victim.age >= 0;
}

function sample(table: SharedTable, space: number, nowMs: number, at: { bucket: number; victim: Victim }): number {
  const { bucket, victim } = at;
  let seen = 0;
  for (let entry = table.first(bucket); entry !== 0; entry = table.next(entry)) {
    if (table.space(entry) !== space) continue;
    seen++;
    const expiry = table.expiry(entry);
    const age = expiry !== 0 && expiry <= nowMs ? Number.MAX_SAFE_INTEGER : table.age(entry);
    if (age <= victim.age) continue;
    victim.bucket = bucket;
    victim.entry = entry;
    victim.cas = table.cas(entry);
    victim.age = age;
  }
  return seen;
}

/** The lock was given up in between: only the very same write of the entry is removed. */
function removeIfSame(table: SharedTable, spaces: SharedSpaces, victim: Victim): boolean {
  const { bucket, entry } = victim;
  if (!table.heap.lock(bucket)) return false;
  const same = table.seek(bucket, entry) && table.cas(entry) === victim.cas;
  if (same) detach(table, spaces, entry);
  table.heap.unlock(bucket);
  if (same) table.heap.free(entry);
  return same;
}

/** Counts the entry found last out and unlinks it. Lock held; the caller frees it after unlocking. */
export function detach(table: SharedTable, spaces: SharedSpaces, entry: number): void {
  spaces.account(table.space(entry), -1, -(table.keyLength(entry) + table.valueLength(entry)));
  table.unlink(entry);
}

/** Removes all entries of a namespace. Writers that go on meanwhile may leave new ones. */
export function dropSpace(table: SharedTable, spaces: SharedSpaces, space: number): void {
  for (let index = 0; index < BUCKETS; index++) {
    const bucket = table.bucketAt(index);
    while (table.first(bucket) !== 0) {
      const entry = detachFirst(table, spaces, bucket, space);
      if (entry === 0) break;
      table.heap.free(entry);
    }
  }
}

function detachFirst(table: SharedTable, spaces: SharedSpaces, bucket: number, space: number): number {
  if (!table.heap.lock(bucket)) return 0;
  let entry = table.first(bucket);
  while (entry !== 0 && table.space(entry) !== space) entry = table.next(entry);
  if (entry !== 0 && table.seek(bucket, entry)) detach(table, spaces, entry);
  table.heap.unlock(bucket);
  return entry;
}

/** What a listing looks for. */
export interface KeyFilter {
  readonly space: number;
  readonly prefix: string;
  readonly nowMs: number;
  readonly limit: number;
}

/** Keys of a namespace in no order, each with its cas. What changes during the walk may or may not be seen. */
export function listKeys(table: SharedTable, filter: KeyFilter): { key: string; cas: number }[] {
  const found: { key: string; cas: number }[] = [];
  let copy = Buffer.alloc(16_384);
  for (let index = 0; index < BUCKETS && found.length < filter.limit;) {
    const bucket = table.bucketAt(index);
    const used = table.first(bucket) === 0 ? 0 : copyKeys(table, bucket, filter, copy);
    if (used < 0) {
      copy = Buffer.alloc(copy.length * 2);
      continue;
    }
    for (let at = 0; at < used && found.length < filter.limit;) {
      const length = copy.readUInt16LE(at);
      found.push({ cas: copy.readUInt32LE(at + 2), key: copy.latin1Slice(at + 6, at + 6 + length) });
      at += 6 + length;
    }
    index++;
  }
  return found;
}

/** Copies (u16 length, u32 cas, key bytes) of each match, since strings must not be made under the lock; -1: too small. */
function copyKeys(table: SharedTable, bucket: number, filter: KeyFilter, copy: Buffer): number {
  if (!table.heap.lock(bucket)) return 0;
  let used = 0;
  for (let entry = table.first(bucket); entry !== 0 && used >= 0; entry = table.next(entry)) {
    if (!matches(table, entry, filter)) continue;
    const length = table.keyLength(entry);
    if (used + 6 + length > copy.length) {
      used = -1;
      break;
    }
    copy.writeUInt16LE(length, used);
    copy.writeUInt32LE(table.cas(entry), used + 2);
    const from = table.keyAt(entry);
    for (let at = 0; at < length; at++) copy[used + 6 + at] = table.heap.bytes[from + at] ?? 0;
    used += 6 + length;
  }
  table.heap.unlock(bucket);
  return used;
}

function matches(table: SharedTable, entry: number, filter: KeyFilter): boolean {
  if (table.space(entry) !== filter.space || table.keyLength(entry) < filter.prefix.length) return false;
  const expiry = table.expiry(entry);
  if (expiry !== 0 && expiry <= filter.nowMs) return false;
  const from = table.keyAt(entry);
  for (let at = 0; at < filter.prefix.length; at++) {
    if (table.heap.bytes[from + at] !== filter.prefix.charCodeAt(at)) return false;
  }
  return true;
}
