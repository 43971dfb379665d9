// The two ends of the line between control and a data thread, and their two implementations: a thread port, and an
// in-process pair for tests and the testing kit.
import type { MessagePort } from "node:worker_threads";
import type { BudgetHandle } from "../net/connection-budget.ts";
import type { NodeIdentity } from "../plugin/services.ts";
import type { FromData, ToData } from "./messages.ts";

/** The data thread's end. */
export interface DataLink {
  send(message: FromData): void;
  onMessage(handler: (message: ToData) => void): void;
  close(): void;
}

/** The control side's end. */
export interface ControlLink {
  send(message: ToData): void;
  onMessage(handler: (message: FromData) => void): void;
  close(): void;
}

/** What a data thread is born with (workerData). */
export interface ThreadInit {
  /** 1..N; 0 is the control side. */
  readonly threadId: number;
  /** How many of them there are. */
  readonly threads: number;
  /** Int32Array of one word: the committed epoch. */
  readonly epoch: SharedArrayBuffer;
  readonly sharedData: unknown;
  readonly sharedMetrics: unknown;
  readonly sharedQueues: unknown;
  /** Of the process, for all listeners. */
  readonly connections: BudgetHandle;
  readonly logLevel: number;
  /** Config key `node`. */
  readonly node?: NodeIdentity;
  /** 48 bytes: with the same keys, a TLS session begun on one thread goes on at any. */
  readonly ticketKeys: Uint8Array;
}

/** A data thread's end over its parent port. */
export function threadLink(port: MessagePort): DataLink {
  return {
    send: (message) => port.postMessage(message),
    onMessage: (handler) => void port.on("message", handler),
    close: () => port.close(),
  };
}

/** Both ends in one process. Delivery is asynchronous, as between threads, and clones like a thread port does. */
export function inProcessLink(): { control: ControlLink; data: DataLink } {
  let toData: (message: ToData) => void = () => {};
  let toControl: (message: FromData) => void = () => {};
  let open = true;
  const deliver = <T>(handler: () => (message: T) => void, message: T): void => {
    queueMicrotask(() => {
      if (open) handler()(message);
    });
  };
  const close = (): void => {
    open = false;
  };
  return {
    control: {
      send: (message) => deliver(() => toData, message),
      onMessage: (handler) => void (toControl = handler),
      close,
    },
    data: {
      send: (message) => deliver(() => toControl, message),
      onMessage: (handler) => void (toData = handler),
      close,
    },
  };
}
