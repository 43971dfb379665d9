// Foreign functions that act on the stream in effect: waiting, holding headers, routing anew, dynamic metadata
// (abi.md 11.1, 11.2).
import { decodePairs } from "../../abi/pairs.ts";
import { firstHeader } from "../../abi/headers.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { badArgument, DONE, type ForeignContext, type ForeignTable, NO_STREAM } from "./context.ts";

const MAX_DELAY_MS = 60_000;

export const STREAM: ForeignTable = {
  // Asking again costs nothing: the route is matched once, when the request leaves the filters.
  clear_route_cache: ({ stream }) => {
    stream?.clearRouteCache();
    return DONE;
  },
  "sluice.delay": delay,
  "sluice.hold_headers": ({ stream }) => {
    if (stream === null) return badArgument(NO_STREAM);
    stream.holdNext = true;
    return DONE;
  },
  "sluice.metadata_set": setMetadata,
  // A connection answers it itself (chain/tcp-context.ts); elsewhere its window is closed.
  "sluice.reply_downstream": () => badArgument("only a TCP connection has a client to write to"),
};

/** u32 ms: the host continues this direction after the callback paused it. */
function delay({ stream }: ForeignContext, args: Buffer): ForeignResult {
  if (stream === null) return badArgument(NO_STREAM);
  const ms = args.length === 4 ? args.readUInt32LE(0) : -1;
  if (ms < 0 || ms > MAX_DELAY_MS) return badArgument("expected u32 milliseconds, at most 60 000");
  stream.resumeLater(ms);
  return DONE;
}

/** Pairs `ns`, `key`, `value`. */
function setMetadata({ stream }: ForeignContext, args: Buffer): ForeignResult {
  if (stream === null) return badArgument(NO_STREAM);
  const pairs = decodePairs(args) ?? [];
  const [namespace = "", key = "", value] = ["ns", "key", "value"].map((name) => firstHeader(pairs, name));
  if (namespace === "" || key === "" || value === undefined) return badArgument("expected Pairs ns, key and value");
  const reason = stream.notes.setMetadata(namespace, key, value);
  return reason === null ? DONE : badArgument(reason, key);
}
