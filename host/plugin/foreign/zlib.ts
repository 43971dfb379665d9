// Envoy's `compress` and `uncompress`: zlib (RFC 1950), one shot. Both sides are capped at the filter's buffer limit,
// which Envoy does not do: a few bytes must not become gigabytes (abi.md 11.1).
import { deflateSync, inflateSync } from "node:zlib";
import * as status from "../../../sdk/assembly/abi/status.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { answer, type ForeignTable, refused } from "./context.ts";

export const ZLIB: ForeignTable = {
  compress: ({ plugin }, args) => capped(args, () => deflateSync(args), plugin.options.bufferLimitBytes),
  uncompress: ({ plugin }, args) => {
    const { bufferLimitBytes } = plugin.options;
    return capped(args, () => inflateSync(args, { maxOutputLength: Math.max(bufferLimitBytes, 1) }), bufferLimitBytes);
  },
};

function capped(args: Buffer, run: () => Buffer, limit: number): ForeignResult {
  try {
    // Work is not covered by fuel: what goes in is capped like what comes out.
    const bytes = args.length > limit ? null : run();
    if (bytes !== null && bytes.length <= limit) return answer(bytes);
  } catch {
    // Not zlib, or over the cap: told apart by nobody, in Envoy neither.
  }
  return refused(status.SERIALIZATION_FAILURE, "not zlib data (RFC 1950), or data or result are over {} bytes", limit);
}
