// The probe guest for HTTP and the gate guest for TCP (test/support/guests): compiled once per run, shared by the suites.
import { resolve } from "node:path";
import { compile } from "../../sdk/testing/index.ts";

const GUESTS = resolve(import.meta.dirname, "guests");
const built = new Map<string, Promise<Uint8Array>>();

function moduleOf(name: string): Promise<Uint8Array> {
  const known = built.get(name) ?? compile(resolve(GUESTS, name, "index.ts"));
  built.set(name, known);
  return known;
}

export const probeModule = (): Promise<Uint8Array> => moduleOf("probe");
export const gateModule = (): Promise<Uint8Array> => moduleOf("gate");
