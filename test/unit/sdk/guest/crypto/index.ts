// Digests and encodings as plain exports, called through @assemblyscript/loader with random bytes, which come as texts of
// characters below 256.
export * from "@sluice/sdk/proxy";
import { enter, leave, scratch } from "@sluice/sdk/assembly/scratch";
import { Bytes, Config, definePlugin, HttpFilter } from "@sluice/sdk";
import {
  fromBase64,
  fromBase64Url,
  fromHex,
  HmacSha256,
  hmacSha256,
  sameBytes,
  Sha256,
  sha256,
  toBase64,
  toBase64Url,
  toHex,
} from "@sluice/sdk/crypto";

function bytesOf(text: string): Bytes {
  const at = scratch(text.length + 1);
  for (let i = 0; i < text.length; i++) store<u8>(at + i, <u8>text.charCodeAt(i));
  return Bytes.at(at, text.length);
}
/** Digits, or what stands for null. */
function shown(bytes: Bytes | null): string {
  return bytes === null ? "none" : toHex(bytes);
}

export function hash(text: string): string {
  enter();
  const digits = toHex(sha256(bytesOf(text)));
  leave();
  return digits;
}
/** In pieces of `step` bytes, with one object that has served before. */
export function hashInPieces(text: string, step: string): string {
  enter();
  const state = new Sha256();
  state.update(bytesOf("before")).digest();
  const size = I32.parseInt(step);
  for (let at = 0; at < text.length; at += size) state.update(bytesOf(text.substring(at, at + size)));
  const digits = toHex(state.digest());
  leave();
  return digits;
}
export function code(key: string, text: string): string {
  enter();
  const digits = toHex(hmacSha256(bytesOf(key), bytesOf(text)));
  leave();
  return digits;
}
export function codeTwice(key: string, text: string): string {
  enter();
  const state = new HmacSha256(bytesOf(key));
  state.update(bytesOf("before")).digest();
  const half = text.length >> 1;
  state.update(bytesOf(text.substring(0, half))).update(bytesOf(text.substring(half)));
  const digits = toHex(state.digest());
  leave();
  return digits;
}
export function base64(text: string): string {
  enter();
  const encoded = toBase64(bytesOf(text));
  leave();
  return encoded;
}
export function base64url(text: string): string {
  enter();
  const encoded = toBase64Url(bytesOf(text));
  leave();
  return encoded;
}
export function unbase64(text: string): string {
  enter();
  const digits = shown(fromBase64(bytesOf(text)));
  leave();
  return digits;
}
export function unbase64url(text: string): string {
  enter();
  const digits = shown(fromBase64Url(bytesOf(text)));
  leave();
  return digits;
}
export function unhex(text: string): string {
  enter();
  const digits = shown(fromHex(bytesOf(text)));
  leave();
  return digits;
}
export function same(a: string, b: string): bool {
  enter();
  const equal = sameBytes(bytesOf(a), bytesOf(b));
  leave();
  return equal;
}

class None extends Config {}
class Idle extends HttpFilter {
  constructor(config: None) {
    super();
  }
}
definePlugin<None, Idle>("crypto");
