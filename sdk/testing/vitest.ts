// `import "@sluice/sdk/testing/vitest"` teaches vitest's `expect` the matchers of the testing kit, and gives the tests of the
// file time to compile a filter first (vitest's own 5 s are short on a busy machine; a test may name its own).
import { expect, vi } from "vitest";
import * as matchers from "./matchers.ts";

/** The arguments a test gives: all but the first, which is what `expect` was given. */
type Given<T> = T extends (received: never, ...rest: infer Rest) => unknown ? (...rest: Rest) => void : never;
type SluiceMatchers = { [Name in keyof typeof matchers]: Given<(typeof matchers)[Name]> };

declare module "vitest" {
  // The name is vitest's; what it holds is the table above.
  // oxlint-disable-next-line typescript/no-empty-object-type
  interface Matchers extends SluiceMatchers {}
}

expect.extend({ ...matchers });
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 });
