// Public door of the testing machinery (`sluice/testing`): the real VM and chain over a fake transport. Filter authors
// import `@sluice/sdk/testing`, which adds compilation and matchers.
export { VirtualClock } from "./base/clock.ts";
export { ProblemError, type Problem } from "./base/problem.ts";
export { Jco } from "./module/component/jco.ts";
export { type Transpiled } from "./module/component/transpiled.ts";
export { filterModule } from "./module/component/wrapped.ts";
export { kindOf } from "./module/inspect.ts";
export { RecordedBytes, TestConnection } from "./testing/connection.ts";
export { describeFault, type TestFault } from "./testing/faults.ts";
export { Harness, type HarnessOptions, type LoggedLine } from "./testing/harness.ts";
export { type Failure, type ForeignAnswer } from "./testing/injector.ts";
export { DEFAULT_FUEL, type FilterUnderTest } from "./testing/load-filter.ts";
export { storyOf, type TracedPhase } from "./testing/recorder.ts";
export { parseRecording } from "./replay/jsonl.ts";
export { replayRecording, type ReplayReport } from "./replay/replay.ts";
export { PROFILES, type ProfileName } from "./vm/profile-name.ts";
export { RecordedMessage, TestExchange, type RequestInput, type ResponseInput } from "./testing/transport.ts";
export {
  type GrpcReply,
  type GrpcScript,
  type ScriptedGrpcAnswer,
  type ScriptedGrpcStream,
  type SeenGrpcCall,
} from "./testing/grpc-upstreams.ts";
export { ScriptedUpstream, type ScriptedAnswer, type SeenCall } from "./testing/upstreams.ts";
