// The registry of plugins in a module: filled at the top level by `definePlugin`, read by the dispatcher.
import { Config } from "./config/config";
import { Stream } from "./context";
import { PlainRoot, RootBase } from "./root";

/** How to make the parts of one plugin. */
export class Plugin {
  constructor(
    public name: string,
    public newConfig: () => Config,
    public newStream: (config: Config) => Stream,
    public newRoot: () => RootBase,
    /** New streams all look the same: an object may serve one after the other (recycle.ts). */
    public recycles: bool,
  ) {}
}

let only: Plugin | null = null;

/** For the dispatcher: the plugin of this module. */
export function definedPlugin(): Plugin | null {
  return only;
}

/**
 * Declares the plugin of this module; call it once, at the top level of the entry. C is the config class, S the filter,
 * whose constructor takes a C. `recycles` is the build's to write (build/transforms/recycle.ts).
 */
export function definePlugin<C extends Config, S extends Stream>(name: string, recycles: bool = false): void {
  definePluginWithRoot<C, S, PlainRoot>(name, recycles);
}

/** As `definePlugin`, with R extending Root<C>: made once per plugin context, for timers, queues and state. */
export function definePluginWithRoot<C extends Config, S extends Stream, R extends RootBase>(
  name: string,
  recycles: bool = false,
): void {
  only = new Plugin(
    name,
    () => instantiate<C>(),
    (config: Config) => instantiate<S>(changetype<C>(config)),
    () => instantiate<R>(),
    recycles,
  );
}
