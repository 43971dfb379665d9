// What a filter author imports. The door only: every name is documented where it is defined.
export { Bytes } from "./assembly/bytes";
export { BodyView } from "./assembly/body";
export { CallFailure, CallResponse, Continuation, OutRequest } from "./assembly/callout";
export { nowMillis, nowNanos } from "./assembly/clock";
export { Config } from "./assembly/config/config";
export { JsonReader } from "./assembly/config/json-reader";
export { Duration, Percent, Rate, Size } from "./assembly/config/units";
export { HttpFilter, Peer, Stream, TcpFilter } from "./assembly/context";
export { clearRouteCache, counterAdd, delay, gcra, Verdict } from "./assembly/extras";
export { Flow } from "./assembly/flow";
export { callForeign, Features, features, lacking } from "./assembly/foreign";
export { GrpcCall, GrpcHandler, GrpcRequest, GrpcResponse, GrpcStatus, GrpcStream } from "./assembly/grpc";
export { HeaderView, HeaderVisitor, RequestHead, requestHead, ResponseHead, responseHead } from "./assembly/headers";
export {
  explain,
  foreignArguments,
  holdHeaders,
  Jws,
  setMetadata,
  verifyJws,
  writeDownstream,
  writeSnapshot,
} from "./assembly/host-extras";
export { lastStatus } from "./assembly/host-status";
export { Level, log } from "./assembly/log";
export { Counter, Gauge, Histogram } from "./assembly/metrics";
export { PairsBuilder, PairsView } from "./assembly/pairs";
export { definePlugin, definePluginWithRoot } from "./assembly/plugin";
export { props } from "./assembly/properties";
export { Queue } from "./assembly/queue";
export { random, randomBits, stableFraction } from "./assembly/random";
export { Root } from "./assembly/root";
export { Route } from "./assembly/route";
export { ChunkScanner, TextScanner } from "./assembly/scanner";
export { Entry, SharedData, Updater } from "./assembly/shared-data";
export { globMatch } from "./assembly/text/glob";
export { formatInt } from "./assembly/text/number";
export { Task, Timer } from "./assembly/timer";
export { Trailers } from "./assembly/trailers";
