// The probe guest (test/support/guests/probe): compiled once per run and shared by the suites.
import { resolve } from "node:path";
import { compile } from "../../sdk/testing/index.ts";

const ENTRY = resolve(import.meta.dirname, "guests/probe/index.ts");
let built: Promise<Uint8Array> | null = null;

export function probeModule(): Promise<Uint8Array> {
  built ??= compile(ENTRY);
  return built;
}
