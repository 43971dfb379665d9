// Foreign functions: how hosts offer more than the ABI. NOT_FOUND means "this host lacks it" and nothing else
// (abi.md 11.2), so every wrapper in extras.ts can fall back.
import { NOT_FOUND } from "./abi/status";
import { Bytes } from "./bytes";
import * as env from "./env";
import { accepted, lastStatus } from "./host-status";
import { PairsView } from "./pairs";
import { out, outPtr, outSize } from "./scratch";
import { encode, encodedSize } from "./text/utf8";

/** Calls `name` with raw bytes; null when refused (`lastStatus()` says why), else the result, which may be empty. */
export function callForeign(name: string, args: Bytes | null = null): Bytes | null {
  const key = encode(name);
  const keySize = encodedSize;
  const data: usize = args ? args.ptr : 0;
  const size: usize = args ? <usize>args.length : 0;
  store<u64>(out, 0);
  const ok = accepted(env.proxy_call_foreign_function(key, keySize, data, size, out, out + 4));
  return ok ? Bytes.at(outPtr(), outSize()) : null;
}

/** Whether the last host call failed because the host does not know the function. */
export function lacking(): bool {
  return lastStatus() == NOT_FOUND;
}

/** What this host offers beyond the ABI. */
export class Features {
  private versions: Map<string, string> = new Map<string, string>();

  constructor() {
    const answer = callForeign("sluice.features");
    const pairs = answer ? new PairsView(answer.ptr, answer.length) : new PairsView(0, 0);
    while (pairs.next()) this.versions.set(pairs.key.toString(), pairs.value.toString());
  }
  /** Whether the extra is there, by its full name: `sluice.gcra`. */
  has(name: string): bool {
    return this.versions.has(name);
  }
  /** Its version, "" when it is not there. */
  version(name: string): string {
    return this.versions.has(name) ? this.versions.get(name) : "";
  }
}

let known: Features | null = null;

/** The host's extras, asked for once per VM; empty on other hosts. *sluice.* */
export function features(): Features {
  let list = known;
  if (list === null) known = list = new Features();
  return list;
}
