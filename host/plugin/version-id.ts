// Which code runs, in one word: the semver that the module says of itself with 12 digits of its digest as build metadata
// (semver.org 10), `1.2.0+3f2a9c41d0e1`; the digits alone for a module that says nothing. The label (`v3`) is this proxy's
// own count and means nothing elsewhere.
const DIGITS = 12;

export function versionId({ sha256, semver }: { readonly sha256: string; readonly semver: string }): string {
  const digest = sha256.slice(0, DIGITS);
  return semver === "" ? digest : `${semver}+${digest}`;
}
