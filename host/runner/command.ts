// Runs a component of the world wasi:cli/command to its end.
import { prepareAnyComponent } from "../module/component/prepare-component.ts";
import type { Transpiled } from "../module/component/transpiled.ts";
import { linkComponent } from "../vm/component/link.ts";
import { Meter } from "../vm/component/metered-decoder.ts";
import { messageOf, reasonOf } from "../vm/faults.ts";
import { FuelTank } from "../vm/fuel-tank.ts";
import { assertGranted } from "./component-world.ts";
import { type Grants, GuestExit, type Outcome } from "./grants.ts";
import { wasiImports } from "./wasi-component.ts";
import { faultOf } from "./fault.ts";

/** @throws ProblemError when it asks for more than it was granted, or ends by a fault */
export async function runCommand(transpiled: Transpiled, file: string, grants: Grants): Promise<Outcome> {
  assertGranted(transpiled.wit, "command", file);
  const program = prepareAnyComponent(transpiled, grants);
  const imports = await wasiImports(grants);
  let tank = new FuelTank([]);
  let code = 0;
  try {
    const { exports, parts } = linkComponent(program, imports, new Meter(Infinity));
    tank = new FuelTank(parts);
    tank.setBudget(grants.fuel ?? 0);
    runOf(exports)();
  } catch (error) {
    if (error instanceof GuestExit) code = error.code;
    // `run` answered with an error: the guest has said why by itself.
    else if (isGuestError(error)) code = 1;
    else throw faultOf(file, tank.isEmpty ? "fuel" : reasonOf(error), messageOf(error));
  }
  const left = tank.left;
  return { code, fuelUsed: grants.fuel === null || left === null ? null : grants.fuel - left };
}

/** The function `run` of whatever version of wasi:cli/run. */
function runOf(exports: Readonly<Record<string, unknown>>): () => void {
  const name = Object.keys(exports).find((each) => each === "run" || each.startsWith("wasi:cli/run"));
  const holder = exports[name ?? ""] as { readonly run?: () => void } | undefined;
  if (holder?.run === undefined) throw new Error("it exports no wasi:cli/run");
  return () => holder.run?.();
}

/** What an empty `err` comes as. */
const isGuestError = (error: unknown): boolean => error === undefined;
