// The demo's traffic: requests of a handful of users at a steady rate, open loop, so that a slow proxy shows as slow
// instead of being asked less.
import { Agent, type ClientRequest, request } from "node:http";
import type { Timer } from "../base/clock.ts";
import type { Nature } from "./upstreams.ts";

export interface TrafficOptions {
  readonly host: string;
  readonly port: number;
  /** Requests per second; 0 = none. */
  readonly rate: number;
  /** How many users there are, sent as `x-user-id`. */
  readonly users: number;
}

/** Counts since the start. */
export interface TrafficReport {
  readonly rate: number;
  readonly sent: number;
  readonly inFlight: number;
  /** By status, "failed" for requests without an answer. */
  readonly statuses: Readonly<Record<string, number>>;
}

const PATHS = ["/", "/about", "/orders/1", "/orders/2", "/orders/3"] as const;
/** Requests are sent in batches: timers are not fine enough for thousands a second. */
const TICK_MS = 20;
/** More than this at once and the machine is behind; sending more would measure the queue of the generator. */
const MAX_IN_FLIGHT = 256;
const TIMEOUT_MS = 5000;

export class TrafficGenerator {
  readonly #options: TrafficOptions;
  readonly #nature: Nature;
  readonly #agent = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #statuses: Record<string, number> = {};
  #rate: number;
  #owed = 0;
  #sent = 0;
  readonly #open = new Set<ClientRequest>();
  #timer: Timer | null = null;

  constructor(options: TrafficOptions, nature: Nature) {
    this.#options = options;
    this.#nature = nature;
    this.#rate = options.rate;
  }

  /** Requests per second from now on; 0 pauses. */
  set rate(value: number) {
    this.#rate = value;
    this.#owed = 0;
  }

  start(): void {
    this.#timer ??= this.#nature.clock.after(TICK_MS, () => this.#tick());
  }

  /** Ends the traffic; requests under way are dropped. */
  close(): void {
    this.#timer?.cancel();
    this.#timer = null;
    // One by one: the agent alone would open new sockets for the requests still queued.
    for (const outgoing of this.#open) outgoing.destroy();
    this.#agent.destroy();
  }

  report(): TrafficReport {
    return { rate: this.#rate, sent: this.#sent, inFlight: this.#open.size, statuses: { ...this.#statuses } };
  }

  #tick(): void {
    this.#owed += (this.#rate * TICK_MS) / 1000;
    for (; this.#owed >= 1; this.#owed--) if (this.#open.size < MAX_IN_FLIGHT) this.#send();
    this.#timer = this.#nature.clock.after(TICK_MS, () => this.#tick());
  }

  #send(): void {
    const { host, port, users } = this.#options;
    const pick = (count: number): number => Math.floor(this.#nature.random.fraction() * count);
    const path = PATHS[pick(PATHS.length)] ?? "/";
    const headers = { "x-user-id": `user-${pick(users) + 1}`, "user-agent": "sluice-demo" };
    this.#sent++;
    const outgoing = request({ host, port, path, headers, agent: this.#agent, timeout: TIMEOUT_MS });
    this.#open.add(outgoing);
    const count = (status: string): void => {
      // An error may follow an end; a request counts once.
      if (this.#open.delete(outgoing)) this.#statuses[status] = (this.#statuses[status] ?? 0) + 1;
    };
    outgoing.on("timeout", () => outgoing.destroy());
    outgoing.on("error", () => count("failed"));
    outgoing.on("response", (response) => {
      response.resume();
      response.on("end", () => count(String(response.statusCode)));
      response.on("error", () => count("failed"));
    });
    outgoing.end();
  }
}
