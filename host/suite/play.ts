// Plays one test: a fresh instance of the filter, one stream, its phases in order, and what each of them left to be
// desired. Every test stands alone, as in Google's runner.
import type { Harness } from "../testing/harness.ts";
import { checkLogs, checkPhase, type Failure } from "./expect.ts";
import type { ReadyBody, ReadyTest } from "./ready.ts";
import { type FilterSetup, newHarness, Session, type Side } from "./session.ts";

export interface Played {
  readonly failures: readonly Failure[];
  /** Everything the filter logged, in order. */
  readonly logs: readonly string[];
}

/** @throws ProblemError when the module does not load, start or take its configuration */
export function playTest(test: ReadyTest, setup: FilterSetup): Played {
  const harness = newHarness(setup);
  try {
    const failures = checkLogs(
      "plugin_init",
      test.pluginInit,
      harness.logs.map(({ message }) => message),
    );
    failures.push(...playStream(test, harness));
    return { failures, logs: harness.logs.map(({ message }) => message) };
  } finally {
    harness.close();
  }
}

function playStream(test: ReadyTest, harness: Harness): Failure[] {
  const session = new Session(harness, test);
  const failures = checkLogs("stream_init", test.streamInit, session.takeLogs());
  const steps: readonly (() => Failure[])[] = [
    () => playHeaders("request", test, session),
    () => playBodies("request", test.requestBody, session),
    () => playHeaders("response", test, session),
    () => playBodies("response", test.responseBody, session),
    () => checkLogs("stream_destroy", test.streamDestroy, session.end()),
  ];
  const names = ["request_headers", "request_body", "response_headers", "response_body", "stream_destroy"];
  for (const [at, step] of steps.entries()) {
    const found = step();
    const fault = harness.faults[0]?.fault;
    // What a dead filter did not do is no news: say why it died, and stop.
    if (fault !== undefined) {
      const message = `the filter died in ${fault.callback} (${fault.reason}): ${fault.message}`;
      failures.push({ phase: names[at] ?? "", message });
      session.end();
      return failures;
    }
    failures.push(...found);
  }
  return failures;
}

function playHeaders(side: Side, test: ReadyTest, session: Session): Failure[] {
  const phase = side === "request" ? test.requestHeaders : test.responseHeaders;
  if (phase === null) return [];
  return checkPhase(`${side}_headers`, phase.expect, session.headers(side, phase.list));
}

/** The last chunk of the last body ends it. Differs from Google's runner, which ends the body once per invocation. */
function playBodies(side: Side, bodies: readonly ReadyBody[], session: Session): Failure[] {
  return bodies.flatMap(({ chunks, expect }, at) => {
    const name = bodies.length === 1 ? `${side}_body` : `${side}_body[${at}]`;
    return checkPhase(name, expect, session.body(side, chunks, at === bodies.length - 1));
  });
}
