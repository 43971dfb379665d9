// `import "@sluice/sdk/testing/vitest"` teaches vitest's `expect` the matchers of the testing kit.
import { expect } from "vitest";
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
