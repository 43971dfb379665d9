// Every foreign function of this host by name: Envoy's with Envoy's bytes, and `sluice.*` (abi.md 11). What is in the table
// is what `sluice.features` offers. The three `expr_*` of Envoy are not here and answer NOT_FOUND.
import * as status from "../../../sdk/assembly/abi/status.ts";
import { encodePairs } from "../../abi/pairs.ts";
import { SluiceError } from "../../base/errors.ts";
import type { ForeignResult } from "../../vm/ports.ts";
import { answer, type ForeignContext, type ForeignTable, refused } from "./context.ts";
import { FILTER_STATE } from "./filter-state.ts";
import { JWS } from "./jws.ts";
import { ROUTE } from "./route.ts";
import { SHARED } from "./shared.ts";
import { SIGNATURE } from "./signature.ts";
import { STATE } from "./state.ts";
import { STREAM } from "./stream.ts";
import { ZLIB } from "./zlib.ts";

/** About the host itself. */
const ABOUT: ForeignTable = {
  "sluice.features": () => answer(encodePairs(Object.entries(FEATURES).flat())),
  // Sentences are for people who look: on a proxy in production the answer is empty.
  "sluice.explain": ({ debugging, refusal }) => answer(Buffer.from(debugging ? refusal : "")),
};

const FUNCTIONS: ForeignTable = {
  ...ABOUT,
  ...FILTER_STATE,
  ...JWS,
  ...ROUTE,
  ...SHARED,
  ...SIGNATURE,
  ...STATE,
  ...STREAM,
  ...ZLIB,
};

/** name -> version, sorted. */
export const FEATURES: Readonly<Record<string, string>> = Object.fromEntries(
  Object.keys(FUNCTIONS)
    .sort()
    .map((name) => [name, "1"]),
);

/** Runs `name`, or answers NOT_FOUND. */
export function callForeign(context: ForeignContext, name: string, args: Buffer): ForeignResult {
  const run = Object.hasOwn(FUNCTIONS, name) ? FUNCTIONS[name] : undefined;
  if (run === undefined) return refused(status.NOT_FOUND, "this host has no function {}");
  try {
    return run(context, args);
  } catch (error) {
    // A key too long or no room left: clients choose keys, so this must not end the guest.
    if (error instanceof SluiceError) return refused(status.INTERNAL_FAILURE, "{}: a key is too long, or no room left");
    throw error;
  }
}
