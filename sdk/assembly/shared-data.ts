// Shared data: one key-value store per vm_id, seen by all workers, with compare-and-set (abi.md 5.6).
// Trap: creating a key with cas 0 from two workers races. Create keys while configuring, or use `update`.
import { CAS_MISMATCH } from "./abi/status";
import { Bytes } from "./bytes";
import * as env from "./env";
import { callForeign, lacking } from "./foreign";
import { accepted, lastStatus } from "./host-status";
import { PairsView } from "./pairs";
import { out, outPtr, outSize, scratch } from "./scratch";
import { encode, encodedSize } from "./text/utf8";

/** A value and the number that a compare-and-set must name. */
export class Entry {
  constructor(
    /** Valid until the callback returns. */
    public value: Bytes,
    public cas: u32,
  ) {}
}

/** What `SharedData.update` asks for the new value. */
export abstract class Updater {
  /** The new value from the old one (null: no such key); null = leave it. May be called several times. */
  abstract next(old: Bytes | null): Bytes | null;
}

/** Values by key for all workers and plugins of one `vmId` (abi.md 5.6). Setters are false when refused: `lastStatus()` is CAS_MISMATCH when another worker was first. *Portable.* */
export class SharedData {
  /** The entry, or null when there is none. *Portable.* */
  static get(key: string): Entry | null {
    const name = encode(key);
    if (!accepted(env.proxy_get_shared_data(name, encodedSize, out, out + 4, out + 8))) return null;
    return new Entry(Bytes.at(outPtr(), outSize()), load<u32>(out, 8));
  }
  /** Stores; with `cas` only if the key still has that number (or is absent). *Portable.* */
  static set(key: string, value: Bytes, cas: u32 = 0): bool {
    const name = encode(key);
    return accepted(env.proxy_set_shared_data(name, encodedSize, value.ptr, value.length, cas));
  }
  /** Stores text. */
  static setText(key: string, value: string, cas: u32 = 0): bool {
    return SharedData.set(key, Bytes.from(value), cas);
  }
  /**
   * Reads, asks `updater`, writes with compare-and-set, and again after a conflict, at most `tries` times. False when
   * every try met a conflict or the host refused. *Portable.*
   */
  static update(key: string, updater: Updater, tries: i32 = 4): bool {
    for (let i = 0; i < tries; i++) {
      const entry = SharedData.get(key);
      const value = updater.next(entry ? entry.value : null);
      if (value === null) return true;
      if (SharedData.set(key, value, entry ? entry.cas : 0)) return true;
      if (lastStatus() != CAS_MISMATCH) return false;
    }
    return false;
  }
  /** Removes the key. *sluice*; elsewhere the value becomes empty. */
  static delete(key: string, cas: u32 = 0): bool {
    const name = encode(key);
    const size = encodedSize;
    const args = scratch(4 + size);
    store<u32>(args, cas);
    memory.copy(args + 4, name, size);
    if (callForeign("sluice.kv_delete", Bytes.at(args, 4 + size)) !== null) return true;
    return lacking() && SharedData.set(key, Bytes.at(0, 0), cas);
  }
  /** Keys with this prefix and their cas numbers as text, at most 1024; null on hosts without it. *sluice.* */
  static keys(prefix: string): PairsView | null {
    const found = callForeign("sluice.kv_keys", Bytes.from(prefix));
    return found ? new PairsView(found.ptr, found.length) : null;
  }
  /** Stores for `ttlMs`. *sluice*; elsewhere as `set`, without expiry. */
  static setFor(key: string, value: Bytes, ttlMs: u32, cas: u32 = 0): bool {
    const name = encode(key);
    const size = encodedSize;
    const total: usize = 12 + size + value.length;
    const args = scratch(total);
    store<u32>(args, cas);
    store<u32>(args, ttlMs, 4);
    store<u32>(args, <u32>size, 8);
    memory.copy(args + 12, name, size);
    memory.copy(args + 12 + size, value.ptr, value.length);
    if (callForeign("sluice.kv_set", Bytes.at(args, total)) !== null) return true;
    return lacking() && SharedData.set(key, value, cas);
  }
}
