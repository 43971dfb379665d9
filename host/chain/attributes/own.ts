// sluice's own properties of a stream (abi.md 10.2); those that need none are plugin/properties.ts.
import { encodeBool } from "../../abi/property-path.ts";
import { versionId } from "../../plugin/version-id.ts";
import type { StreamFacts } from "../ports.ts";
import type { Arm } from "../slot.ts";

/** @param replied the answer is a local reply */
export function readOwn(path: readonly string[], arm: Arm, facts: StreamFacts, replied: boolean): Uint8Array | null {
  const [, name, detail] = path;
  if (name === "local_reply") return encodeBool(replied);
  if (name === "plugin_version") return Buffer.from(versionId(arm.generation.spec));
  if (name === "route" && detail === "config") return routeConfig(arm);
  return name === "arm" && detail !== undefined ? armOf(facts.arms, detail) : null;
}

/** The configuration merged for this route; nothing when the route does not change it. */
function routeConfig({ config, generation }: Arm): Uint8Array | null {
  return config === generation.spec.options.pluginConfig ? null : Buffer.from(config);
}

/** @param arms "filter=arm" joined by ";" */
function armOf(arms: string, slot: string): Uint8Array | null {
  const found = arms.split(";").find((arm) => arm.startsWith(`${slot}=`));
  return found === undefined ? null : Buffer.from(found.slice(slot.length + 1));
}
