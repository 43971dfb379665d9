// JSON merge patch (RFC 7396): how a route changes a filter's configuration.

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

/** `patch` applied to `target`; neither is changed. A null member removes. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isObject(patch)) return patch;
  const merged: Record<string, unknown> = isObject(target) ? { ...target } : {};
  for (const [key, value] of Object.entries(patch)) {
    if (value === null) delete merged[key];
    else merged[key] = mergePatch(merged[key], value);
  }
  return merged;
}

/** The patch applied to a configuration text; "" counts as an empty object. */
export function patchConfig(config: string, patch: unknown): string {
  return JSON.stringify(mergePatch(config === "" ? {} : (JSON.parse(config) as unknown), patch));
}
