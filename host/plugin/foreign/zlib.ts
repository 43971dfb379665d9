// Envoy's `compress` and `uncompress`: zlib (RFC 1950), one shot. Outputs are capped at the filter's buffer limit, which
// Envoy does not do: a few bytes must not become gigabytes (abi.md 11.1).
import { deflateSync, inflateSync } from "node:zlib";
import * as status from "../../../sdk/assembly/abi/status.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { answer, type ForeignTable, refused } from "./context.ts";

export const ZLIB: ForeignTable = {
  compress: ({ plugin }, args) => capped(() => deflateSync(args), plugin.options.bufferLimitBytes),
  uncompress: ({ plugin }, args) => {
    const { bufferLimitBytes } = plugin.options;
    return capped(() => inflateSync(args, { maxOutputLength: Math.max(bufferLimitBytes, 1) }), bufferLimitBytes);
  },
};

function capped(run: () => Buffer, limit: number): ForeignResult {
  try {
    const bytes = run();
    if (bytes.length <= limit) return answer(bytes);
  } catch {
    // Not zlib, or over the cap: told apart by nobody, in Envoy neither.
  }
  return refused(status.SERIALIZATION_FAILURE, "not zlib data (RFC 1950), or the result is over {} bytes", limit);
}
