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
  ) {}
}

let only: Plugin | null = null;

/** For the dispatcher: the plugin of this module. */
export function definedPlugin(): Plugin | null {
  return only;
}

/**
 * Declares the plugin of this module; call it once, at the top level of the entry. C is the config class, S the filter,
 * whose constructor takes a C.
 */
export function definePlugin<C extends Config, S extends Stream>(name: string): void {
  definePluginWithRoot<C, S, PlainRoot>(name);
}

/** As `definePlugin`, with R extending Root<C>: made once per plugin context, for timers, queues and state. */
export function definePluginWithRoot<C extends Config, S extends Stream, R extends RootBase>(name: string): void {
  only = new Plugin(
    name,
    () => instantiate<C>(),
    (config: Config) => instantiate<S>(changetype<C>(config)),
    () => instantiate<R>(),
  );
}
