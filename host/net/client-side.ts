// The seam between an exchange and the protocol that carries it. An exchange knows nothing of sockets, chunks or streams:
// HTTP/1.1 implements this per connection, HTTP/2 per stream.
import type { HeaderList } from "../abi/headers.ts";
import type { Clock } from "../base/clock.ts";
import type { Admission } from "./admission.ts";
import type { Duplex } from "node:stream";
import type { Forwarding } from "./forwarding.ts";
import type { ListenerOptions } from "./options.ts";
import type { ListenerView } from "./ports.ts";
import type { TimerWheel } from "../base/timer-wheel.ts";
import type { ConnectionFacts } from "./facts.ts";
import type { OpenConnection } from "./protocol.ts";
import type { HttpMetrics } from "./http-metrics.ts";
import type { RequestIds } from "./request-id.ts";

/** What all connections of a listener share. */
export interface ListenerContext {
  /** Changed in place by a reload; an exchange reads its limits when it begins. */
  options: ListenerOptions;
  readonly view: () => ListenerView;
  readonly clock: Clock;
  readonly wheel: TimerWheel;
  readonly metrics: HttpMetrics;
  readonly requestIds: RequestIds;
  /** Null: the listener says nothing of proxies. */
  forwarding: Forwarding | null;
  readonly admission: Admission;
  /** True from the start of the drain: every answer ends its connection. */
  draining: boolean;
  readonly http2: Http2Opener;
}

/** Takes over connections that turn out to speak HTTP/2 (http2/server.ts). */
export interface Http2Opener {
  /** @param first bytes that were read already; null = none. Null: HTTP/2 is not offered here */
  open(socket: Duplex, connection: ConnectionFacts, first: Buffer | null): OpenConnection | null;
}

/** How a response head is to be sent. */
export interface ResponseStart {
  readonly endStream: boolean;
  /** Announced length of the body, or -1. */
  readonly length: number;
  /**
   * The list as the upstream's answer was parsed: only pairs that do not stand where they stood are checked. Null: nobody has
   * written it.
   */
  readonly parsed: HeaderList | null;
  /** Another protocol follows the head: this one. "" = a body does, or nothing. */
  readonly upgrade: string;
}

export interface ClientSide {
  readonly connection: ConnectionFacts;
  /** 100 or 103. */
  sendInformational(status: number, headers: HeaderList): void;
  /** `headers` starts with :status. False: the list cannot be sent as it is, and nothing was. */
  sendHead(headers: HeaderList, start: ResponseStart): boolean;
  /** A piece of the body; characters are bytes. False: it does not fit the length sent before. */
  sendText(text: string, last: boolean): boolean;
  /** As `sendText`; `bytes` are owned from here. */
  sendBytes(bytes: Buffer, last: boolean): boolean;
  /** Ends the response. */
  sendTrailers(trailers: HeaderList): boolean;
  /** Behind a head with `upgrade`: what the client sends is handed out as the request's body from now on. */
  openTunnel(): void;
  /** While held, no more of the request body is read. */
  holdRequest(hold: boolean): void;
  /** Breaks off: the peer must not take what it has for a complete answer. */
  abort(): void;
  /** A deadline of the exchange may have come nearer. */
  deadlinesChanged(): void;
  /** The exchange has ended; the next one may begin. */
  exchangeOver(): void;
}
