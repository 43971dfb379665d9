// What comes back from one gRPC call, on its way to the guest: as it comes for a stream; for a unary call the message is
// kept until the status says that it counts (a message followed by an error is an error).
import type { HeaderList } from "../abi/headers.ts";
import type { GrpcEvents } from "./grpc-port.ts";

/** One event, and what the guest may read while its callback runs. */
export type GrpcReading =
  | { readonly kind: "initial"; readonly metadata: HeaderList }
  | { readonly kind: "message"; readonly bytes: Buffer }
  | { readonly kind: "trailing"; readonly metadata: HeaderList }
  | { readonly kind: "closed"; readonly status: number; readonly message: string };

export interface GrpcTarget {
  deliver(id: number, reading: GrpcReading): void;
}

const OK = 0;
const INTERNAL = 13;

export class GrpcDelivery implements GrpcEvents {
  readonly #id: number;
  readonly #target: GrpcTarget;

  constructor(id: number, target: GrpcTarget) {
    this.#id = id;
    this.#target = target;
  }

  initialMetadata(metadata: HeaderList): void {
    this.#target.deliver(this.#id, { kind: "initial", metadata });
  }

  message(bytes: Buffer): void {
    this.#target.deliver(this.#id, { kind: "message", bytes });
  }

  trailingMetadata(metadata: HeaderList): void {
    this.#target.deliver(this.#id, { kind: "trailing", metadata });
  }

  closed(status: number, message: string): void {
    this.#target.deliver(this.#id, { kind: "closed", status, message });
  }
}

/** Exactly one message with status 0, as grpc's clients demand, or none with another. */
export class UnaryDelivery implements GrpcEvents {
  readonly #out: GrpcDelivery;
  #message: Buffer | null = null;
  #messages = 0;
  #trailing: HeaderList | null = null;

  constructor(id: number, target: GrpcTarget) {
    this.#out = new GrpcDelivery(id, target);
  }

  initialMetadata(metadata: HeaderList): void {
    this.#out.initialMetadata(metadata);
  }

  message(bytes: Buffer): void {
    this.#message = bytes;
    this.#messages++;
  }

  trailingMetadata(metadata: HeaderList): void {
    this.#trailing = metadata;
  }

  closed(status: number, message: string): void {
    const isAnswer = status === OK && this.#messages === 1;
    if (isAnswer && this.#message !== null) this.#out.message(this.#message);
    if (this.#trailing !== null) this.#out.trailingMetadata(this.#trailing);
    if (status !== OK || isAnswer) this.#out.closed(status, message);
    else this.#out.closed(INTERNAL, `${this.#messages} messages where one was expected`);
  }
}
