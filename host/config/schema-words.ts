// The words the config schema is made of: names, texts and numbers with units. `expected` is what an error says.
import { Type, type TSchema } from "typebox";

/** Keyword of this house: how an error describes what should stand here. Validators ignore it. */
export const EXPECTED = "x-expected";

/** Keyword of this house: the words a pattern stands for, for "did you mean". */
export const WORDS = "x-words";

const withDefault = (value: string | undefined): { default?: string } =>
  value === undefined ? {} : { default: value };

/** A string, with what it is for. */
export function text(description: string, byDefault?: string): TSchema {
  return Type.String({ description, ...withDefault(byDefault) });
}

/** `250ms`, `5s`. */
export function duration(description: string, byDefault: string): TSchema {
  return Type.String({
    pattern: "^\\d+(\\.\\d+)?\\s*(ns|us|ms|s|m|h)$",
    description,
    default: byDefault,
    [EXPECTED]: 'a duration with its unit, such as "250ms" or "5s"',
  });
}

/** `16MiB`, `64kB`. */
export function size(description: string, byDefault: string): TSchema {
  return Type.String({
    pattern: "^\\d+(\\.\\d+)?\\s*(B|KiB|MiB|GiB|kB|KB|MB|GB)$",
    description,
    default: byDefault,
    [EXPECTED]: 'a size with its unit, such as "64KiB" or "16MiB"',
  });
}

/** CPU budget in points: a whole number, with suffix k or M, or `none`. */
export const fuel: TSchema = Type.Union(
  [Type.Integer({ minimum: 1, maximum: 40_000_000 }), Type.String({ pattern: "^(\\d+(k|M)?|none)$" })],
  {
    description:
      "Points per callback (weighted instructions, at most about 2 ns each); start-up and configuration get fifty times that. none = no CPU limit.",
    default: 10_000_000,
    [EXPECTED]: 'a number of points such as 10M or 500k, at most 40M, or "none"',
  },
);

/** Names appear in URLs, labels and file names, so they are kept plain. */
export const name: TSchema = Type.String({
  pattern: "^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$",
  description: "Unique among its kind: letters, digits, dot, dash and underscore.",
  [EXPECTED]: "a name of letters, digits, dots, dashes and underscores (at most 63)",
});
