// Tests under several hosts: a portable filter passes under all three, with its fallbacks where a host lacks something.
import { PROFILES, type ProfileName } from "../../host/testing.ts";

/** A test framework's `describe`. */
export type Describe = (name: string, body: () => void) => unknown;

/** Runs `body` once per host: `describeProfiles(describe, (profile) => test("...", () => harness(..., { profile })))`. */
export function describeProfiles(
  describe: Describe,
  body: (profile: ProfileName) => void,
  profiles: readonly ProfileName[] = PROFILES,
): void {
  for (const profile of profiles) describe(`profile ${profile}`, () => body(profile));
}

/** The host that harnesses show when a test names none: `SLUICE_PROFILE`, else sluice. So a suite runs unchanged under another. */
export function defaultProfile(name = process.env["SLUICE_PROFILE"] ?? "sluice"): ProfileName {
  const found = PROFILES.find((profile) => profile === name);
  if (found === undefined) throw new Error(`SLUICE_PROFILE is "${name}"; expected ${PROFILES.join(", ")}`);
  return found;
}
