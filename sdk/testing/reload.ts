// A new version in the middle of a test: streams that run finish on the old one, as in a running proxy.
import type { Harness } from "../../host/testing.ts";
import type { Mode } from "../build/index.ts";
import { type FilterInput, loadInput } from "./sources.ts";

export interface ReloadOptions extends Omit<FilterInput, "source"> {
  readonly mode?: Mode;
}

/**
 * A new version of one filter of a running harness, as a reload brings it: exchanges under way finish on the old one, state is
 * handed over (`Root.onSnapshot`, `Root.onRestore`; what became of it stands in `handOvers`). Name (of the first filter),
 * configuration and options are the old one's where nothing else is said. Rejects when it does not load; the old one serves on.
 */
export async function reload(
  harness: Harness,
  source: string | Uint8Array,
  { mode = "debug", ...more }: ReloadOptions = {},
): Promise<void> {
  const specs = harness.generations.map(({ spec }) => spec.options);
  const old = specs.find((options) => options.name === more.name) ?? specs[0];
  if (old === undefined) throw new Error("there is no filter to reload");
  const { name, pluginConfig, source: _source, ...options } = old;
  const input = { name, config: pluginConfig, ...more, source, options: { ...options, ...more.options } };
  harness.reload(await loadInput(input, mode));
}
