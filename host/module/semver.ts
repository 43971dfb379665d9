// The version a module says of itself in its `sluice` section, which the SDK's build writes.
import type { ModuleInfo } from "./inspect.ts";

/** "" when the module has no such section. */
export function semverOf({ sluice }: ModuleInfo): string {
  const version = typeof sluice === "object" && sluice !== null ? (sluice as { version?: unknown }).version : undefined;
  return typeof version === "string" ? version : "";
}
