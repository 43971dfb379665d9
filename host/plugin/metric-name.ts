// Metric names as filters write them: labels travel in the name, `name;.;key=.=value;.;key=.=value;.;` (decisions.md 10).
// Istio puts the pairs first or joins name and first key with a dot; both are read too.

export interface MetricName {
  /** With `sluice_filter_` in front, in Prometheus' alphabet. */
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

const NEXT = ";.;";
const IS = "=.=";
/** A name longer than this is refused; values come from requests. */
const MAX_LENGTH = 1024;

const clean = (text: string): string => text.replaceAll(/[^a-zA-Z0-9_]/g, "_").replace(/^(?=\d)/, "_");

/** The parsed name, or null when there is none to be found, or one nobody can export. */
export function parseMetricName(text: string): MetricName | null {
  if (text.length > MAX_LENGTH) return null;
  let name = "";
  const labels: Record<string, string> = {};
  for (const part of text.split(NEXT)) {
    const at = part.indexOf(IS);
    const plain = at < 0 ? part : readPair(part, at, labels);
    name ||= plain;
  }
  return /[a-zA-Z]/.test(name) ? { name: `sluice_filter_${clean(name)}`, labels } : null;
}

/** Notes the label; returns the name when it stands before the key, else "". */
function readPair(part: string, at: number, labels: Record<string, string>): string {
  const key = part.slice(0, at);
  const dot = key.lastIndexOf(".");
  labels[clean(key.slice(dot + 1))] = part.slice(at + IS.length);
  return dot < 0 ? "" : key.slice(0, dot);
}

/** `rate-limit@v3` -> labels `plugin` and `plugin_version`. */
export function scopeLabels(scope: string): { plugin: string; plugin_version: string } {
  const at = scope.lastIndexOf("@");
  return at < 0
    ? { plugin: scope, plugin_version: "" }
    : { plugin: scope.slice(0, at), plugin_version: scope.slice(at + 1) };
}
