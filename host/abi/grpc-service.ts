// The upstream argument of gRPC call-outs: Envoy takes a serialised `envoy.config.core.v3.GrpcService`, so guests written for
// it send one. Only `envoy_grpc.cluster_name` is read; everything else in it is skipped. Bytes of a guest: nothing throws.

const VARINT = 0;
const FIXED64 = 1;
const LENGTH = 2;
const FIXED32 = 5;
/** GrpcService.envoy_grpc and EnvoyGrpc.cluster_name are both field 1. */
const FIELD = 1;

/** The cluster's name (bytes as latin1 text), or null when the bytes are no GrpcService with an `envoy_grpc`. */
export function clusterOfGrpcService(bytes: Buffer): string | null {
  const service = lastField(bytes);
  const name = service === null ? null : lastField(service);
  return name === null || name.length === 0 ? null : name.latin1Slice();
}

/** The last length-delimited field 1, as protobuf parsers take the last of several; null when absent or malformed. */
function lastField(bytes: Buffer): Buffer | null {
  let found: Buffer | null = null;
  for (let at = 0; at < bytes.length;) {
    const tag = varint(bytes, at);
    if (tag === null) return null;
    const wire = tag.value & 7;
    const content = wire === LENGTH ? varint(bytes, tag.next) : null;
    const end = endOf(bytes, wire, tag.next, content);
    if (end === null || end > bytes.length) return null;
    if (wire === LENGTH && tag.value >>> 3 === FIELD && content !== null) found = bytes.subarray(content.next, end);
    at = end;
  }
  return found;
}

interface Varint {
  readonly value: number;
  readonly next: number;
}

function endOf(bytes: Buffer, wire: number, at: number, content: Varint | null): number | null {
  if (wire === LENGTH) return content === null ? null : content.next + content.value;
  if (wire === FIXED64) return at + 8;
  if (wire === FIXED32) return at + 4;
  return wire === VARINT ? (varint(bytes, at)?.next ?? null) : null;
}

/** At most 10 bytes; the value is exact up to 2^53 and only its lower bits matter beyond. */
function varint(bytes: Buffer, at: number): Varint | null {
  let value = 0;
  for (let count = 0; count < 10; count++) {
    const byte = bytes[at + count];
    if (byte === undefined) return null;
    value += (byte & 0x7f) * 2 ** (7 * count);
    if (byte < 0x80) return { value, next: at + count + 1 };
  }
  return null;
}
