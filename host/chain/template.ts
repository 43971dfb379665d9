// A chain ready to carry streams: the filters of one listener and route, in order, as one snapshot has them.
import type { ChainTemplate, ExchangePort } from "./ports.ts";
import { HttpFilterStream } from "./http-stream.ts";
import type { ChainSlot } from "./slot.ts";
import { type StreamWatch, WatchedStream } from "./watched-stream.ts";
import type { TcpChainTemplate, TcpPort, TcpStream } from "./tcp-ports.ts";
import { TcpFilterStream } from "./tcp-stream.ts";

/** Whoever counts the streams of a snapshot, so that it can be let go after the last one. */
export interface StreamCounter {
  streamBegan(): void;
  streamEnded(): void;
}

export class FilterChain implements ChainTemplate {
  readonly empty: boolean;
  readonly #slots: readonly ChainSlot[];
  readonly #counter: StreamCounter;
  readonly #ended: () => void;

  constructor(slots: readonly ChainSlot[], counter: StreamCounter) {
    this.#slots = slots;
    this.#counter = counter;
    this.#ended = () => counter.streamEnded();
    this.empty = slots.length === 0;
  }

  /** The filters that its streams meet, in order. */
  get slots(): readonly ChainSlot[] {
    return this.#slots;
  }

  open(port: ExchangePort): HttpFilterStream {
    this.#counter.streamBegan();
    return new HttpFilterStream(this.#slots, port, this.#ended);
  }

  /** A stream that `watch` hears of. Counted like any other. */
  openWatched(port: ExchangePort, watch: StreamWatch): HttpFilterStream {
    this.#counter.streamBegan();
    return new WatchedStream(this.#slots, port, watch, this.#ended);
  }
}

/** The same for connections. Also without any filter: a connection always counts as a stream of its snapshot. */
export class TcpFilterChain implements TcpChainTemplate {
  readonly #slots: readonly ChainSlot[];
  readonly #counter: StreamCounter;

  constructor(slots: readonly ChainSlot[], counter: StreamCounter) {
    this.#slots = slots;
    this.#counter = counter;
  }

  open(port: TcpPort): TcpStream {
    this.#counter.streamBegan();
    return new TcpFilterStream(this.#slots, port, () => this.#counter.streamEnded());
  }
}
