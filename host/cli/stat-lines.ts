// The short statistics behind the `s` key.
import type { ControlPlane } from "../control/types.ts";

/** Per cluster what went up, per filter what is live. */
export async function statLines(control: ControlPlane): Promise<readonly string[]> {
  const [clusters, filters] = await Promise.all([control.clusters(), control.filters()]);
  const name = (text: string): string => `  ${text.padEnd(20)}`;
  return [
    ...clusters.map(
      (one) => `${name(one.cluster)}${one.requests} requests, ${one.failures} failed, ${one.active} active`,
    ),
    ...filters.map((one) => {
      const inFlight = one.versions.reduce((sum, version) => sum + version.inFlight, 0);
      const live = one.version === "" ? "not loaded" : `${one.version} ${one.build}`;
      return `${name(one.name)}${live}, ${inFlight} in flight${one.problems.length === 0 ? "" : ", newest source refused"}`;
    }),
  ];
}
