// One listening socket of one data thread: accepts, counts, limits, and drains. A listener never closes singly while the
// process lives (decisions.md 5); `drain` is for the end of the process.
import { type Server, type Socket, createServer } from "node:net";
import type { Clock, Timer } from "../base/clock.ts";
import type { Counter } from "../observe/metrics.ts";
import type { ConnectionBudget } from "./connection-budget.ts";
import type { ListenerOptions } from "./options.ts";
import type { OpenConnection, Protocol } from "./protocol.ts";

/** No new connection for this long: clients and balancers have understood (decisions.md 5). */
const QUIET_MS = 100;
const DRAIN_STEP_MS = 20;
/** Connections over the limit that are told so at the same time; further ones are dropped without a word. */
const REFUSED = 256;
/** The kernel cuts this to net.core.somaxconn. */
const BACKLOG = 4096;

export interface ListenerInputs {
  readonly options: ListenerOptions;
  /** Takes over what is accepted. */
  readonly protocol: Protocol;
  readonly clock: Clock;
  /** Several threads share the port; each must call `assertPortFree` before (decisions.md 21). */
  readonly reusePort: boolean;
  /** Port to bind instead of the options' own: the port that the first thread got for 0. */
  readonly port?: number;
  /** Room for connections in the whole process. Absent = no limit but the listener's. */
  readonly budget?: ConnectionBudget;
  /** A connection was closed because there was no room. */
  readonly overBudget?: Counter;
  /** Numbers connections over the whole process. Default: this thread's own count. */
  readonly nextConnectionId?: () => number;
}

export interface RunningListener {
  readonly name: string;
  /** As bound. */
  readonly address: string;
  readonly port: number;
  /** Open connections. */
  readonly connections: number;
  /** Limits for exchanges and connections that begin from now on; the address stays. */
  configure(options: ListenerOptions): void;
  /** Closes the listening socket; open connections go on. Idempotent. */
  stopAccepting(): void;
  /**
   * Ends in order: HTTP answers say `Connection: close`, the listener stays open until no connection has come for 100 ms or half
   * of the time has passed, then it closes with the idle connections; accepted work is finished. After `timeoutMs` the rest
   * is cut off. Resolves when no connection is left.
   */
  drain(timeoutMs: number): Promise<void>;
  /** Closes everything at once. Resolves when no connection is left. */
  close(): Promise<void>;
}

let connectionCount = 0;

/** Rejects with the system's error when the address cannot be bound. */
export async function startListener(inputs: ListenerInputs): Promise<RunningListener> {
  const listener = new Listener(inputs);
  await listener.listen(inputs);
  return listener;
}

class Listener implements RunningListener {
  readonly name: string;
  address = "";
  port = 0;
  readonly #server: Server;
  readonly #protocol: Protocol;
  readonly #clock: Clock;
  readonly #connections = new Set<OpenConnection>();
  readonly #refused = new Set<OpenConnection>();
  readonly #nextId: () => number;
  readonly #budget: ConnectionBudget | null;
  readonly #overBudget: Counter | undefined;
  #maxConnections = 0;
  #lastAcceptMs: number;
  #accepting = true;
  #drainTimer: Timer | null = null;
  /** Resolves when the socket is closed and the last connection has ended. */
  readonly #closed: Promise<void>;
  /** Set when the socket is closed: to be called when the last connection has ended. */
  #onLast: (() => void) | null = null;

  constructor({ options, protocol, clock, nextConnectionId, budget, overBudget }: ListenerInputs) {
    this.#budget = budget ?? null;
    this.#overBudget = overBudget;
    this.name = options.name;
    this.#protocol = protocol;
    this.#clock = clock;
    this.#nextId = nextConnectionId ?? (() => ++connectionCount);
    this.#lastAcceptMs = clock.monotonicMs();
    const { bufferBytes } = options.limits;
    // Half-open: a client may send FIN behind what it says and wait for the answer.
    this.#server = createServer({ allowHalfOpen: true, noDelay: true, highWaterMark: bufferBytes }, (socket) =>
      this.#accept(socket),
    );
    this.#closed = new Promise((resolve) => {
      this.#server.once("close", () => {
        this.#onLast = resolve;
        this.#checkClosed();
      });
    });
    this.#limit(options);
    void this.#closed.then(() => protocol.closed?.());
    this.#server.on("drop", () => protocol.metrics.connectionsRefused.inc());
  }

  get connections(): number {
    return this.#connections.size;
  }

  listen({ options, port, reusePort }: ListenerInputs): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once("error", reject);
      this.#server.listen({ host: options.host, port: port ?? options.port, reusePort, backlog: BACKLOG }, () => {
        this.#server.off("error", reject);
        // A failed accept (no descriptor left) costs that connection, not the process.
        this.#server.on("error", () => this.#protocol.metrics.connectionsRefused.inc());
        const bound = this.#server.address();
        if (bound !== null && typeof bound !== "string") {
          this.address = bound.address;
          this.port = bound.port;
        }
        resolve();
      });
    });
  }

  configure(options: ListenerOptions): void {
    this.#protocol.configure(options);
    this.#limit(options);
  }

  #limit({ limits }: ListenerOptions): void {
    this.#maxConnections = limits.maxConnections;
    this.#server.maxConnections = limits.maxConnections + (this.#protocol.refuse === undefined ? 0 : REFUSED);
  }

  stopAccepting(): void {
    if (!this.#accepting) return;
    this.#accepting = false;
    // Right after the poll phase, when every connection the kernel held has just been accepted: closing now resets fewest.
    setImmediate(() => this.#server.close());
  }

  drain(timeoutMs: number): Promise<void> {
    const clock = this.#clock;
    this.#protocol.drain();
    const startMs = clock.monotonicMs();
    this.#lastAcceptMs = startMs;
    const step = (): void => {
      const nowMs = clock.monotonicMs();
      if (nowMs - this.#lastAcceptMs >= QUIET_MS || nowMs - startMs >= timeoutMs / 2) this.stopAccepting();
      if (!this.#accepting) for (const connection of this.#connections) connection.closeIfIdle(nowMs, QUIET_MS);
      if (nowMs - startMs >= timeoutMs) for (const connection of this.#connections) connection.destroy();
      if (this.#accepting || this.#connections.size > 0) this.#drainTimer = clock.after(DRAIN_STEP_MS, step);
    };
    step();
    return this.#closed;
  }

  close(): Promise<void> {
    this.#drainTimer?.cancel();
    this.stopAccepting();
    for (const connection of [...this.#connections, ...this.#refused]) connection.destroy();
    return this.#closed;
  }

  #accept(socket: Socket): void {
    this.#lastAcceptMs = this.#clock.monotonicMs();
    if (this.#connections.size >= this.#maxConnections) {
      this.#refuse(socket);
      return;
    }
    const { metrics } = this.#protocol;
    if (this.#budget?.enter() === false) {
      // Not a word: whatever is said costs what there is none left of.
      metrics.connectionsRefused.inc();
      this.#overBudget?.inc();
      socket.destroy();
      return;
    }
    const connection = this.#protocol.open(socket, this.#nextId());
    this.#connections.add(connection);
    metrics.connectionsTotal.inc();
    metrics.connectionsActive.add(1);
    socket.once("close", () => {
      this.#connections.delete(connection);
      metrics.connectionsActive.add(-1);
      this.#budget?.leave();
      this.#checkClosed();
    });
  }

  /** It ends by itself, soon. */
  #refuse(socket: Socket): void {
    this.#protocol.metrics.connectionsRefused.inc();
    const refused = this.#protocol.refuse?.(socket, this.#nextId());
    if (refused === undefined) {
      socket.destroy();
      return;
    }
    this.#refused.add(refused);
    socket.once("close", () => {
      this.#refused.delete(refused);
      this.#checkClosed();
    });
  }

  #checkClosed(): void {
    if (this.#connections.size > 0 || this.#refused.size > 0 || this.#onLast === null) return;
    // A turn later: a secured socket says that it is closed after the one below it has, and has a line to log.
    setImmediate(this.#onLast);
  }
}
