// The hashes the house uses: FNV-1a for assignment, SHA-256 for identity.
import { createHash } from "node:crypto";

/** FNV-1a, 32 bit, over UTF-16 code units, as GrowthBook hashes. */
export function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193);
  return hash >>> 0;
}

/** Lower-case hex SHA-256. */
export function sha256Hex(bytes: Uint8Array | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
