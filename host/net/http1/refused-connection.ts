// A connection over the listener's limit: gets its 503 before it has said anything, and a second to read it. Owns the socket.
import type { Socket } from "node:net";
import { Deadline, type DeadlineOwner } from "../../base/timer-wheel.ts";
import type { ListenerContext } from "../client-side.ts";
import type { ConnectionFacts } from "../facts.ts";
import type { OpenConnection } from "../protocol.ts";
import { LINGER_MS, refuse } from "./refusal.ts";

const SENTENCE = "this listener has as many connections as it may have";

export class RefusedConnection implements OpenConnection, DeadlineOwner {
  readonly #socket: Socket;

  constructor(socket: Socket, context: ListenerContext, connection: ConnectionFacts) {
    this.#socket = socket;
    const { wheel, clock } = context;
    const deadline = new Deadline(this);
    const startMs = clock.monotonicMs();
    wheel.schedule(deadline, startMs + LINGER_MS);
    socket.on("close", () => wheel.cancel(deadline));
    socket.on("error", () => {});
    // What it sends is read and dropped: a reset because of unread bytes could overtake the answer (RFC 9112 9.6).
    socket.resume();
    socket.end(refuse(connection, context, { code: "too_many_connections", sentence: SENTENCE, startMs }), "latin1");
  }

  closeIfIdle(): void {}

  destroy(): void {
    this.#socket.destroy();
  }

  deadlineReached(): void {
    this.#socket.destroy();
  }
}
