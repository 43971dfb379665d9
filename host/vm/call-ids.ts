// Numbers for call-outs: the kind in the low two bits, as in Envoy. One count for all plugin contexts of a VM, since guests look
// call-outs up by this number alone. Used by Vm.

/** 0 HTTP, 1 gRPC call, 2 gRPC stream. */
export type CallKind = 0 | 1 | 2;

/** Ids stay positive for guests that take them for signed numbers. */
const MAX_CALLS = 2 ** 29 - 1;

export class CallIds {
  #calls = 0;

  next(kind: CallKind): number {
    this.#calls = this.#calls === MAX_CALLS ? 1 : this.#calls + 1;
    return this.#calls * 4 + kind;
  }
}
