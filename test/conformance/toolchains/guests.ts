// Builds the guests of the matrix, each once, and gives their variants.
import type { GuestName } from "../case.ts";
import { buildAssemblyScript } from "./assembly-script.ts";
import { buildC, cUnavailable } from "./c.ts";
import { toVariant, type GuestVariant } from "./variant.ts";
import { buildWat } from "./wat.ts";

export class Guest {
  readonly name: GuestName;
  readonly #full: Uint8Array;
  readonly #variants = new Map<string, Uint8Array>();

  constructor(name: GuestName, full: Uint8Array) {
    this.name = name;
    this.#full = full;
  }

  /** Equal variants are one object: hosts under test may keep what they have compiled. */
  module(variant: GuestVariant = {}): Uint8Array {
    // The SDK's build has one form.
    if (this.name === "as") return this.#full;
    const key = JSON.stringify(variant);
    const known = this.#variants.get(key) ?? toVariant(this.#full, variant);
    this.#variants.set(key, known);
    return known;
  }
}

/** Why a guest cannot be built on this machine; null = it can. */
export const unavailable = (name: GuestName): string | null => (name === "c" ? cUnavailable() : null);

export async function buildGuest(name: GuestName): Promise<Guest> {
  if (name === "as") return new Guest(name, await buildAssemblyScript());
  return new Guest(name, name === "wat" ? buildWat() : buildC());
}
