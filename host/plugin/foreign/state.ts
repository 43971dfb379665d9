// `sluice.snapshot_write` (abi.md 11.2): the old version's half of a hand-over.
import { badArgument, DONE, type ForeignTable } from "./context.ts";

export const STATE: ForeignTable = {
  "sluice.snapshot_write": ({ plugin }, args) => {
    const reason = plugin.handOver.write(args);
    return reason === null ? DONE : badArgument(reason);
  },
};
