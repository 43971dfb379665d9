// More of sluice's foreign functions: those without a fallback. On other hosts they answer false or null, and
// `lacking()` tells "this host lacks it" from "refused" (abi.md 11.2).
import { FOREIGN_FUNCTION_ARGUMENTS } from "./abi/buffer";
import { Bytes } from "./bytes";
import * as env from "./env";
import { callForeign } from "./foreign";
import { accepted } from "./host-status";
import { PairsBuilder, PairsView } from "./pairs";
import { out, outPtr, outSize, scratch } from "./scratch";

/** The bytes given to Root.onForeign and Root.onRestore; empty elsewhere. *Portable.* */
export function foreignArguments(): Bytes {
  const buffer = FOREIGN_FUNCTION_ARGUMENTS;
  const ok = accepted(env.proxy_get_buffer_bytes(buffer, 0, u32.MAX_VALUE, out, out + 4));
  return ok ? Bytes.at(outPtr(), outSize()) : Bytes.at(0, 0);
}

/** Hands state to the next version: only within Root.onSnapshot, at most 1 MiB. *sluice.* */
export function writeSnapshot(state: Bytes): bool {
  return callForeign("sluice.snapshot_write", state) !== null;
}

/** Before `return Flow.Pause` on headers: body callbacks go on while the headers are held. *sluice.* */
export function holdHeaders(): bool {
  return callForeign("sluice.hold_headers") !== null;
}

/** TCP: writes to the client after this callback; `close` ends the connection afterwards. *sluice.* */
export function writeDownstream(bytes: Bytes, close: bool = false): bool {
  const size = 4 + bytes.length;
  const args = scratch(size);
  store<u32>(args, close ? 1 : 0);
  memory.copy(args + 4, bytes.ptr, bytes.length);
  return callForeign("sluice.reply_downstream", Bytes.at(args, size)) !== null;
}

/** Dynamic metadata of this stream, for later filters, routing and the access log. *sluice.* */
export function setMetadata(namespace: string, key: string, value: string): bool {
  const pairs = new PairsBuilder().add("ns", namespace).add("key", key).add("value", value);
  return callForeign("sluice.metadata_set", pairs.pack()) !== null;
}

/** Why the last host call was refused, in words; "" where the host does not say. *sluice.* */
export function explain(): string {
  const text = callForeign("sluice.explain");
  return text ? text.toString() : "";
}

/** What the host found out about a signed token. */
export class Jws {
  constructor(private answer: PairsView) {}

  /** Whether the signature holds and the algorithm is allowed. Claims (exp, aud ...) are the filter's to check. */
  get valid(): bool {
    return this.field("valid") == "1";
  }
  /** Why not. */
  get reason(): string {
    return this.field("reason");
  }
  /** The decoded payload, JSON. */
  get payload(): string {
    return this.field("payload");
  }
  /** `kid`, `alg`, `header`, ...; "" when absent. */
  field(name: string): string {
    const value = this.answer.find(name);
    return value ? value.toString() : "";
  }
}

/** Verifies a JWS against a JWKS document; `algorithms` allowed, comma separated. Null when the host cannot. *sluice.* */
export function verifyJws(token: string, keys: string, algorithms: string): Jws | null {
  const pairs = new PairsBuilder().add("jws", token).add("keys", keys).add("alg", algorithms);
  const answer = callForeign("sluice.verify_jws", pairs.pack());
  return answer ? new Jws(new PairsView(answer.ptr, answer.length)) : null;
}
