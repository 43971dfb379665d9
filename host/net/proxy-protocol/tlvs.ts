// The optional fields of a PROXY header of version 2: looked through, so that a header that lies about them is refused, and
// checked where they hold a checksum (haproxy doc/proxy-protocol.txt 2.2.3). Their meaning is nobody's business yet.

const CRC32C = 3;

/** @param header whole @param from where the fields begin */
export function checkTlvs(header: Buffer, from: number): "bad_tlv" | "bad_checksum" | null {
  let at = from;
  let checksumAt = -1;
  while (at < header.length) {
    if (at + 3 > header.length) return "bad_tlv";
    const next = at + 3 + header.readUInt16BE(at + 1);
    if (next > header.length) return "bad_tlv";
    if (header[at] === CRC32C) {
      if (checksumAt >= 0 || next !== at + 7) return "bad_tlv";
      checksumAt = at + 3;
    }
    at = next;
  }
  if (checksumAt < 0) return null;
  const zeroed = Buffer.from(header);
  zeroed.fill(0, checksumAt, checksumAt + 4);
  return crc32c(zeroed) === header.readUInt32BE(checksumAt) ? null : "bad_checksum";
}

/** Castagnoli (RFC 3720 B.4), bit by bit: a header is short, and few have a checksum. */
export function crc32c(bytes: Uint8Array): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f6_3b78 : 0);
  }
  return (crc ^ 0xffff_ffff) >>> 0;
}
