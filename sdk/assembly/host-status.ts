// The status of the last host call, for the functions that answer only "done" or "refused".
import { OK } from "./abi/status";

let last: u32 = 0;

/** Remembers `status`; true when it is OK. */
export function accepted(status: u32): bool {
  last = status;
  return status == OK;
}

/** Why the last host call was refused: a number of abi/status.ts, 0 when it was not. */
export function lastStatus(): u32 {
  return last;
}
