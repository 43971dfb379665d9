// FNV-1a in the two forms the house uses: over bytes, and over UTF-16 code units as GrowthBook does (experiments.md 2.3),
// so that guest and host put one user into the same bucket.

const BASIS: u32 = 0x811c9dc5;
const PRIME: u32 = 0x01000193;

/** FNV-1a, 32 bit, over `size` bytes. */
export function fnv1a(bytes: usize, size: usize): u32 {
  let hash = BASIS;
  for (let i: usize = 0; i < size; i++) hash = (hash ^ load<u8>(bytes + i)) * PRIME;
  return hash;
}

/** FNV-1a, 32 bit, over the UTF-16 code units of `text`, continuing from `seed`. */
export function fnv1aText(text: string, seed: u32 = BASIS): u32 {
  let hash = seed;
  for (let i = 0; i < text.length; i++) hash = (hash ^ <u32>text.charCodeAt(i)) * PRIME;
  return hash;
}

/** FNV-1a of the decimal digits of `value`. */
export function fnv1aDecimal(value: u32): u32 {
  let unit: u32 = 1;
  while (value / unit >= 10) unit *= 10;
  let hash = BASIS;
  for (; unit; unit /= 10) hash = (hash ^ (48 + ((value / unit) % 10))) * PRIME;
  return hash;
}
