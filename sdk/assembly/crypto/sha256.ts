// SHA-256 (FIPS 180-4), whole or piece by piece. In the module itself, so that it works in every host; costs some 1.5 KiB of
// code and is linked only where it is imported (`@sluice/sdk/crypto`).
import { Bytes } from "../bytes";
import { scratch } from "../scratch";

/** Bytes of a digest. */
export const SHA256_BYTES: i32 = 32;
/** Bytes that are hashed at once. */
export const SHA256_BLOCK: i32 = 64;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const K: usize = memory.data<u32>([
  0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98,
  0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786,
  0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8,
  0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13,
  0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85, 0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819,
  0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a,
  0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7,
  0xc67178f2,
]);
/** The message schedule of the block at hand. */
const W: usize = memory.data(256, 4);

function word(at: i32): u32 {
  return load<u32>(W + ((<usize>at) << 2));
}

function schedule(block: usize): void {
  for (let i = 0; i < 16; i++) {
    const offset = (<usize>i) << 2;
    store<u32>(W + offset, bswap(load<u32>(block + offset)));
  }
  for (let i = 16; i < 64; i++) {
    const a = word(i - 15);
    const b = word(i - 2);
    const first = rotr(a, 7) ^ rotr(a, 18) ^ (a >> 3);
    const second = rotr(b, 17) ^ rotr(b, 19) ^ (b >> 10);
    store<u32>(W + ((<usize>i) << 2), word(i - 16) + first + word(i - 7) + second);
  }
}

/** FIPS 180-4 6.2.2 over the eight words at `state`. */
function compress(state: usize, block: usize): void {
  schedule(block);
  let a = load<u32>(state);
  let b = load<u32>(state, 4);
  let c = load<u32>(state, 8);
  let d = load<u32>(state, 12);
  let e = load<u32>(state, 16);
  let f = load<u32>(state, 20);
  let g = load<u32>(state, 24);
  let h = load<u32>(state, 28);
  for (let i = 0; i < 64; i++) {
    const mixed = (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + ((e & f) ^ (~e & g));
    const one = h + mixed + load<u32>(K + ((<usize>i) << 2)) + word(i);
    const two = (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g;
    g = f;
    f = e;
    e = d + one;
    d = c;
    c = b;
    b = a;
    a = one + two;
  }
  store<u32>(state, load<u32>(state) + a);
  store<u32>(state, load<u32>(state, 4) + b, 4);
  store<u32>(state, load<u32>(state, 8) + c, 8);
  store<u32>(state, load<u32>(state, 12) + d, 12);
  store<u32>(state, load<u32>(state, 16) + e, 16);
  store<u32>(state, load<u32>(state, 20) + f, 20);
  store<u32>(state, load<u32>(state, 24) + g, 24);
  store<u32>(state, load<u32>(state, 28) + h, 28);
}

/** A digest in the making: for bodies, `update` with each piece. Outlives callbacks. */
export class Sha256 {
  private state: StaticArray<u32> = new StaticArray<u32>(8);
  private block: StaticArray<u8> = new StaticArray<u8>(SHA256_BLOCK);
  private size: u64 = 0;

  constructor() {
    this.reset();
  }

  /** Forgets what it has seen. */
  reset(): this {
    const state = changetype<usize>(this.state);
    store<u32>(state, 0x6a09e667);
    store<u32>(state, 0xbb67ae85, 4);
    store<u32>(state, 0x3c6ef372, 8);
    store<u32>(state, 0xa54ff53a, 12);
    store<u32>(state, 0x510e527f, 16);
    store<u32>(state, 0x9b05688c, 20);
    store<u32>(state, 0x1f83d9ab, 24);
    store<u32>(state, 0x5be0cd19, 28);
    this.size = 0;
    return this;
  }

  /** Takes a further piece of the message. */
  update(bytes: Bytes): this {
    return this.feed(bytes.ptr, bytes.length);
  }

  /** The digest, 32 bytes, valid until the callback returns. Starts anew. */
  digest(): Bytes {
    const bits = this.size << 3;
    const block = changetype<usize>(this.block);
    const used = <usize>(this.size & 63);
    store<u8>(block + used, 0x80);
    memory.fill(block + used + 1, 0, 63 - used);
    if (used >= 56) {
      compress(changetype<usize>(this.state), block);
      memory.fill(block, 0, 56);
    }
    store<u64>(block, bswap(bits), 56);
    compress(changetype<usize>(this.state), block);
    const result = scratch(SHA256_BYTES);
    for (let i: usize = 0; i < 32; i += 4) store<u32>(result + i, bswap(load<u32>(changetype<usize>(this.state) + i)));
    this.reset();
    return Bytes.at(result, SHA256_BYTES);
  }

  /** For hmac.ts: `update` without a window. */
  feed(from: usize, length: i32): this {
    const block = changetype<usize>(this.block);
    const state = changetype<usize>(this.state);
    let at = from;
    let left = <usize>length;
    const used = <usize>(this.size & 63);
    this.size += <u64>length;
    if (used > 0) {
      const taken = min(left, 64 - used);
      memory.copy(block + used, at, taken);
      if (used + taken < 64) return this;
      compress(state, block);
      at += taken;
      left -= taken;
    }
    for (; left >= 64; left -= 64, at += 64) compress(state, at);
    memory.copy(block, at, left);
    return this;
  }
}

/** The digest of a whole message. */
export function sha256(message: Bytes): Bytes {
  return new Sha256().update(message).digest();
}
