// Shared queues: items from any worker to the last registrant, which is told through Root.onQueue (abi.md 5.6).
import { Bytes } from "./bytes";
import * as env from "./env";
import { accepted } from "./host-status";
import { out, outPtr, outSize } from "./scratch";
import { encode, encodedSize } from "./text/utf8";

/** A shared queue: first in, first out, for all workers (abi.md 5.6). 10 000 items, 16 MiB. *Portable.* */
export class Queue {
  private constructor(
    /** The host's id, as given to Root.onQueue. Never 0. */
    public readonly id: u32,
  ) {}

  /** Creates or opens `name` under the own vm_id; this plugin context is notified from now on. Null when refused. */
  static register(name: string): Queue | null {
    const text = encode(name);
    return accepted(env.proxy_register_shared_queue(text, encodedSize, out)) ? new Queue(<u32>outPtr()) : null;
  }
  /** Opens an existing queue for sending; `vmId` "" = the own. Null when there is none. */
  static resolve(name: string, vmId: string = ""): Queue | null {
    const vm = encode(vmId);
    const vmSize = encodedSize;
    const text = encode(name);
    return accepted(env.proxy_resolve_shared_queue(vm, vmSize, text, encodedSize, out))
      ? new Queue(<u32>outPtr())
      : null;
  }
  /** Appends an item. */
  enqueue(item: Bytes): bool {
    return accepted(env.proxy_enqueue_shared_queue(this.id, item.ptr, item.length));
  }
  /** Takes the oldest item; null when empty. */
  dequeue(): Bytes | null {
    return accepted(env.proxy_dequeue_shared_queue(this.id, out, out + 4)) ? Bytes.at(outPtr(), outSize()) : null;
  }
}
