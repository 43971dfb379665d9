// Markup that cannot be broken by what is put into it: every value is escaped unless it is markup made here.

/** Markup, and nothing else: text has to pass {@link html} to become one. */
export interface Html {
  readonly text: string;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

const escape = (text: string): string => text.replaceAll(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);

const isMarkup = (value: string | number | Html): value is Html => typeof value === "object";

export function html(parts: TemplateStringsArray, ...values: readonly (string | number | Html)[]): Html {
  const filled = values.map((value) => (isMarkup(value) ? value.text : escape(String(value))));
  return { text: parts.map((part, at) => part + (filled[at] ?? "")).join("") };
}

export const joined = (parts: readonly Html[]): Html => ({ text: parts.map(({ text }) => text).join("") });

/** Constants of this house only. */
export const trusted = (text: string): Html => ({ text });
