// The hosts a guest can be shown (profile.ts).

export const PROFILES = ["sluice", "envoy", "minimal"] as const;
export type ProfileName = (typeof PROFILES)[number];
