// The status type of host functions, from the constants shared with the guest.
import type * as status from "../../sdk/assembly/abi/status.ts";

export type Status = (typeof status)[keyof typeof status];
