// Plugin contexts ("roots"): one per configuration. Several live in one VM (per-route configurations), each with its own
// config; streams take the config of their parent at birth, so a new config never changes a running stream.
import { callFrom, Continuation, OutRequest } from "./callout";
import { Config } from "./config/config";
import * as env from "./env";
import { GrpcCall, grpcCallFrom, GrpcRequest, GrpcStream, grpcStreamFrom } from "./grpc";
import { accepted } from "./host-status";
import { Context } from "./owner";
import { newSpares, Spares } from "./spares";

/** The untyped part, which the dispatcher knows. Authors extend Root<C>. */
export abstract class RootBase extends Context {
  /** The accepted configuration; null before `proxy_on_configure`. */
  live: Config | null = null;
  /** For registry.ts: the next plugin context. */
  next: RootBase | null = null;
  /** For recycle.ts: objects of finished streams. */
  spares: Spares = newSpares();

  /** For Root<C>: the typed callback. */
  configured(config: Config): string | null {
    return null;
  }
  /** A shared queue registered by this plugin has an item. */
  onQueue(queue: u32): void {}
  /** A foreign function called back; arguments in buffer 8. */
  onForeign(id: u32, size: u32): void {}
  /**
   * *sluice.* Another version takes over on this thread: hand state over with `writeSnapshot`. Begin with a number for the
   * format, so that a later version can tell what it is given. Streams under way go on here; what they change is lost.
   */
  onSnapshot(): void {}
  /**
   * *sluice.* State of the version before (`foreignArguments()`, `size` bytes; `props.plugin.snapshotVersion` says whose),
   * after `onConfigure` and before the first stream. False = start empty.
   */
  onRestore(size: u32): bool {
    return true;
  }
  /** The plugin context ends. False = not yet; call `finish()` later. */
  onDone(): bool {
    return true;
  }
  /** Sends a call-out that belongs to the plugin, not to a stream. */
  call(cluster: string, request: OutRequest, timeoutMs: u32, then: Continuation): bool {
    return callFrom(this, cluster, request, timeoutMs, then);
  }
  /** Sends a unary gRPC call that belongs to the plugin; as `Stream.grpcCall`. */
  grpcCall(cluster: string, request: GrpcRequest, timeoutMs: u32, then: GrpcCall): bool {
    return grpcCallFrom(this, cluster, request, timeoutMs, then);
  }
  /** Opens a gRPC stream that belongs to the plugin and may live as long as it. */
  grpcStream(cluster: string, request: GrpcRequest, then: GrpcStream): bool {
    return grpcStreamFrom(this, cluster, request, then);
  }
  /** After `onDone` said false: now it may end. */
  finish(): bool {
    return accepted(env.proxy_done());
  }
}

/** The root of plugins that declare none. */
export class PlainRoot extends RootBase {}

/** Extend this for work outside of streams: `definePluginWithRoot<C, S, R>("name")`. */
export abstract class Root<C extends Config> extends RootBase {
  /** The config was decoded and checked: a text refuses it with that reason. */
  onConfigure(config: C): string | null {
    return null;
  }
  override configured(config: Config): string | null {
    return this.onConfigure(changetype<C>(config));
  }
}
