// Takes secrets out of a configuration before anybody sees it: /config_dump, logs, error messages.
import { type Document, isNode, isScalar, parseDocument, visit } from "yaml";
import { isSecretKey, REDACTED } from "../base/secrets.ts";
import type { ProxyConfig } from "./options.ts";

/** A copy of any JSON value without the values of secret keys. Empty ones stay: that nothing is set is worth seeing. */
export function redactJson(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(redactJson);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const isHidden = isSecretKey(key) && inner !== "" && inner !== null && typeof inner !== "boolean";
      return [key, isHidden ? REDACTED : redactJson(inner)];
    }),
  );
}

/** A JSON text without its secrets; text that is no JSON is hidden whole, since nothing can be told apart in it. */
export function redactJsonText(text: string): string {
  if (text === "") return "";
  try {
    return JSON.stringify(redactJson(JSON.parse(text)));
  } catch {
    return REDACTED;
  }
}

/** The parsed configuration as it may be shown. */
export function redactConfig(config: ProxyConfig): Readonly<Record<string, unknown>> {
  const plain = redactJson(config) as Record<string, unknown>;
  return {
    ...plain,
    filters: config.filters.map((filter) => ({
      ...filter,
      environment: redactJson(filter.environment),
      vmConfig: redactJsonText(filter.vmConfig),
      pluginConfig: redactJsonText(filter.pluginConfig),
    })),
    experiments: config.experiments.map((experiment) => ({
      ...experiment,
      variants: experiment.variants.map((variant) => ({
        ...variant,
        pluginConfig: variant.pluginConfig === null ? null : redactJsonText(variant.pluginConfig),
      })),
    })),
  };
}

/** Where the values of secret keys stand in the text of `document`, in order. References (`${NAME}`) are no secrets. */
export function secretRanges(document: Document): readonly (readonly [start: number, end: number])[] {
  const ranges: (readonly [number, number])[] = [];
  visit(document, {
    Pair(_, pair) {
      if (!isScalar(pair.key) || !isSecretKey(String(pair.key.value))) return undefined;
      const range = isNode(pair.value) ? pair.value.range : null;
      const isReference = isScalar(pair.value) && /^["']?\$\{[^}]*\}["']?$/.test(pair.value.source ?? "");
      if (range && !isReference && range[1] > range[0]) ranges.push([range[0], range[1]]);
      // A secret inside a secret is hidden already.
      return visit.SKIP;
    },
  });
  return ranges;
}

/** The config text as it may be shown: comments and layout stay, values of secret keys go. */
export function redactText(text: string): string {
  let shown = text;
  for (const [start, end] of secretRanges(parseDocument(text)).toReversed()) {
    shown = `${shown.slice(0, start)}"${REDACTED}"${shown.slice(end)}`;
  }
  return shown;
}
