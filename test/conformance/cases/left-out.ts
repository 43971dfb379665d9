// Why a case is left out on sockets, in the words of the report.
import type { PlaneName } from "../case.ts";

type LeftOut = Partial<Readonly<Record<PlaneName, string>>>;

const onSockets = (reason: string): LeftOut => ({ worker: reason, http2: reason });
/** Where the protocol decides. */
export const notOverHttp2 = (reason: string): LeftOut => ({ http2: reason });
export const onlyOverHttp2 = (reason: string): LeftOut => ({ "in-process": reason, worker: reason });
export const onlySockets = (reason: string): LeftOut => ({ "in-process": reason });

export const VIRTUAL_TIME = onSockets("time and traffic are in no fixed order on sockets");
export const PEERS_HEADERS = onSockets("client and server add headers of their own");
export const LATE_END = onSockets("the end of a body comes after its last piece");
export const HALF_MESSAGE = onSockets("nobody gets to see half a message");
export const TOGETHER = onSockets("pieces that are sent apart may come together");
export const NO_SUCH_FAILURE = onSockets("one upstream cannot be made to fail in this way");
