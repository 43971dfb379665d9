// The phases of a request as lines: what `sluice call` and `sluice tap --trace` print.
import type { Phase } from "../vm/story.ts";

/** @param calls with each phase's host calls; where they were not traced, why some were refused */
export function storyLines(phases: readonly Phase[], calls: boolean): readonly string[] {
  return phases.flatMap((phase) => {
    const head = `${phase.name.padEnd(30)} ${phase.action.padEnd(10)} ${phase.millis.toFixed(3)} ms`;
    return calls ? [head, ...callLines(phase).map((line) => `    ${line}`)] : [head];
  });
}

function callLines({ hostCalls, refusals, omitted }: Phase): readonly string[] {
  const lines = hostCalls.length > 0 ? hostCalls : refusals.map((reason) => `refused: ${reason}`);
  return omitted === 0 ? lines : [...lines, `... and ${omitted} more`];
}
