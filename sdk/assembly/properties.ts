// Properties: what the host knows about the exchange (abi.md section 10). Typed getters accept both wire forms, Envoy's
// binary one and the text of other hosts (6.3); an unset property gives the default.
import { Bytes } from "./bytes";
import * as env from "./env";
import { accepted } from "./host-status";
import { out, outPtr, outSize, scratch } from "./scratch";
import { decode, encode, encodedSize } from "./text/utf8";

// Objects without fields: the address is only a mark, so that the tree of properties costs nothing.
const SOURCE: usize = 1;
const DESTINATION: usize = 2;

function fetch(path: string): bool {
  const bytes = encode(path);
  const size = encodedSize;
  // Segments are split by NUL on the wire; a copy, because the encoding of a literal is shared.
  const wire = scratch(size + 1);
  // A path that is split already keeps its dots: they belong to the names.
  let split = false;
  for (let i: usize = 0; i < size; i++) if (load<u8>(bytes + i) == 0) split = true;
  for (let i: usize = 0; i < size; i++) {
    const c = load<u8>(bytes + i);
    store<u8>(wire + i, c == 46 && !split ? 0 : c);
  }
  return accepted(env.proxy_get_property(wire, size, out, out + 4));
}

/** Properties by dotted path. A segment that holds a dot itself needs `segments`. */
@unmanaged
export class Properties {
  /** Text or raw bytes. */
  text(path: string, absent: string = ""): string {
    return fetch(path) ? decode(outPtr(), outSize()) : absent;
  }
  /** Raw bytes, or null. */
  bytes(path: string): Bytes | null {
    return fetch(path) ? Bytes.at(outPtr(), outSize()) : null;
  }
  /** An integer. Timestamps and durations are nanoseconds. */
  int(path: string, absent: i64 = 0): i64 {
    return fetch(path) ? asInt(absent) : absent;
  }
  /** A floating-point number. */
  float(path: string, absent: f64 = 0): f64 {
    if (!fetch(path)) return absent;
    return outSize() == 8 ? load<f64>(outPtr()) : F64.parseFloat(decode(outPtr(), outSize()));
  }
  /** A truth value. */
  bool(path: string, absent: bool = false): bool {
    if (!fetch(path)) return absent;
    return outSize() == 1 ? load<u8>(outPtr()) % 48 != 0 : Bytes.at(outPtr(), outSize()).eq("true");
  }
  /** The path of segments that hold dots: `props.text` accepts `\0` between segments as well. */
  segments(names: string[]): string {
    return names.join("\0");
  }
  /** Sets `wasm.<path>` for this stream (and later filters). */
  set(path: string, value: string): bool {
    const name = encode(path);
    const size = encodedSize;
    const text = encode(value);
    return accepted(env.proxy_set_property(name, size, text, encodedSize));
  }

  get request(): RequestProperties {
    return changetype<RequestProperties>(0);
  }
  get response(): ResponseProperties {
    return changetype<ResponseProperties>(0);
  }
  get source(): PeerProperties {
    return changetype<PeerProperties>(SOURCE);
  }
  get destination(): PeerProperties {
    return changetype<PeerProperties>(DESTINATION);
  }
  get upstream(): UpstreamProperties {
    return changetype<UpstreamProperties>(0);
  }
  get xds(): XdsProperties {
    return changetype<XdsProperties>(0);
  }
  get plugin(): PluginProperties {
    return changetype<PluginProperties>(0);
  }
}

function asInt(absent: i64): i64 {
  const bytes = Bytes.at(outPtr(), outSize());
  if (bytes.length == 8) return load<i64>(bytes.ptr);
  const value = bytes.parseInt();
  return bytes.ok ? value : absent;
}

/** The entry: `props.request.id`, `props.int("response.flags")`. */
export const props: Properties = changetype<Properties>(SOURCE);

@unmanaged
export class RequestProperties {
  get id(): string {
    return props.text("request.id");
  }
  get path(): string {
    return props.text("request.path");
  }
  get method(): string {
    return props.text("request.method");
  }
  get host(): string {
    return props.text("request.host");
  }
  get protocol(): string {
    return props.text("request.protocol");
  }
  /** Nanoseconds since the Unix epoch. */
  get time(): i64 {
    return props.int("request.time");
  }
  /** Nanoseconds; at completion only. */
  get duration(): i64 {
    return props.int("request.duration");
  }
  /** Body bytes; at completion only. */
  get size(): i64 {
    return props.int("request.size");
  }
}

@unmanaged
export class ResponseProperties {
  get code(): i32 {
    return <i32>props.int("response.code");
  }
  get codeDetails(): string {
    return props.text("response.code_details");
  }
  get flags(): i64 {
    return props.int("response.flags");
  }
  /** Body bytes; at completion only. */
  get size(): i64 {
    return props.int("response.size");
  }
}

@unmanaged
export class PeerProperties {
  /** `ip:port`. */
  get address(): string {
    return props.text(this.isSource() ? "source.address" : "destination.address");
  }
  get port(): i32 {
    return <i32>props.int(this.isSource() ? "source.port" : "destination.port");
  }
  private isSource(): bool {
    return changetype<usize>(this) == SOURCE;
  }
}

@unmanaged
export class UpstreamProperties {
  /** `ip:port` of the chosen endpoint. */
  get address(): string {
    return props.text("upstream.address");
  }
  /** `region/zone/sub_zone`. */
  get locality(): string {
    return props.text("upstream.locality");
  }
}

@unmanaged
export class XdsProperties {
  get routeName(): string {
    return props.text("xds.route_name");
  }
  get clusterName(): string {
    return props.text("xds.cluster_name");
  }
}

@unmanaged
export class PluginProperties {
  get name(): string {
    return props.text("plugin_name");
  }
  get rootId(): string {
    return props.text("plugin_root_id");
  }
  get vmId(): string {
    return props.text("plugin_vm_id");
  }
  /** *sluice.* Semver and digest of the running code: `1.2.0+3f2a9c41d0e1`. */
  get version(): string {
    return props.text("sluice.plugin_version");
  }
  /** *sluice.* Within Root.onRestore: `version` of who wrote the state. */
  get snapshotVersion(): string {
    return props.text("sluice.snapshot_version");
  }
  /** *sluice.* The arm of the experiment at `slot`, "" without one. */
  arm(slot: string): string {
    return props.text("sluice.arm." + slot);
  }
}
