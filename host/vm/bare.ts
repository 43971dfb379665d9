// A core module outside of any chain, for the runner: no host functions but those given, limits built in.
import { prepareCoreModule } from "../module/prepare.ts";
import { FuelTank } from "./fuel-tank.ts";

export interface BareOptions {
  readonly memoryBytes: number;
  /** Points for everything it does; null = no limit. */
  readonly fuel: number | null;
  readonly imports: WebAssembly.Imports;
}

export interface BareInstance {
  readonly instance: WebAssembly.Instance;
  readonly tank: FuelTank;
}

/** @throws ProblemError when the limits cannot be built in, and what its start section throws */
export function instantiateBare(bytes: Uint8Array, { memoryBytes, fuel, imports }: BareOptions): BareInstance {
  const instance = new WebAssembly.Instance(prepareCoreModule(bytes, { memoryBytes, fuel }), imports);
  const tank = new FuelTank([instance.exports]);
  tank.setBudget(fuel ?? 0);
  return { instance, tank };
}
