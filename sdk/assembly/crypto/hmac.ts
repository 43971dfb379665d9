// HMAC with SHA-256 (RFC 2104, RFC 4231), and the comparison that goes with it.
import { Bytes } from "../bytes";
import { scratch } from "../scratch";
import { Sha256, sha256, SHA256_BLOCK } from "./sha256";

/** A code in the making: for bodies, `update` with each piece. Outlives callbacks; keeps the key. */
export class HmacSha256 {
  private inner: Sha256 = new Sha256();
  private key: StaticArray<u8> = new StaticArray<u8>(SHA256_BLOCK);

  constructor(key: Bytes) {
    const short = key.length > SHA256_BLOCK ? sha256(key) : key;
    memory.copy(changetype<usize>(this.key), short.ptr, short.length);
    this.pad(this.inner, 0x36);
  }

  /** Takes a further piece of the message. */
  update(bytes: Bytes): this {
    this.inner.update(bytes);
    return this;
  }

  /** The code, 32 bytes, valid until the callback returns. Starts anew with the same key. */
  digest(): Bytes {
    const outer = new Sha256();
    this.pad(outer, 0x5c);
    const code = outer.update(this.inner.digest()).digest();
    this.pad(this.inner, 0x36);
    return code;
  }

  private pad(hash: Sha256, value: u8): void {
    const block = scratch(SHA256_BLOCK);
    const key = changetype<usize>(this.key);
    for (let i: usize = 0; i < <usize>SHA256_BLOCK; i++) store<u8>(block + i, load<u8>(key + i) ^ value);
    hash.feed(block, SHA256_BLOCK);
  }
}

/** The code of a whole message. */
export function hmacSha256(key: Bytes, message: Bytes): Bytes {
  return new HmacSha256(key).update(message).digest();
}

/** Whether two values are equal, in a time that depends on their lengths only: for codes, tokens and passwords. */
export function sameBytes(a: Bytes, b: Bytes): bool {
  if (a.length != b.length) return false;
  const first = a.ptr;
  const second = b.ptr;
  let differing: u32 = 0;
  for (let i: usize = 0; i < <usize>a.length; i++) differing |= load<u8>(first + i) ^ load<u8>(second + i);
  return differing == 0;
}
