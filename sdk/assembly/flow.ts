// What a callback answers, and its number on the wire. The Envoy refinements have different numbers for headers and for
// bodies; one word here never means two things, the dispatcher picks the number (abi.md section 4).
import * as action from "./abi/action";

/** What a stream callback answers: go on, or hold the stream here until it is resumed. */
export enum Flow {
  /** Go on. */
  Continue = 0,
  /** Hold here until resumed. Headers: body callbacks stop too. Body: the host buffers, the next callback sees all. */
  Pause = 1,
  /** *Envoy.* Headers: hold, and buffer the body up to the limit. Elsewhere as Pause. */
  PauseAndBuffer = 2,
  /** *Envoy.* Hold, and stop reading at the watermark. */
  PauseAndWatermark = 3,
  /** *Envoy.* Body: the chunk is the filter's own now, neither forwarded nor buffered. Elsewhere as Pause. */
  PauseNoBuffer = 4,
}

/** The number for a header callback. */
export function headersAction(flow: Flow): u32 {
  if (flow <= Flow.Pause) return <u32>flow;
  if (flow == Flow.PauseAndBuffer) return action.HEADERS_STOP_ALL_AND_BUFFER;
  return flow == Flow.PauseAndWatermark ? action.HEADERS_STOP_ALL_AND_WATERMARK : action.PAUSE;
}

/** The number for a body callback. */
export function bodyAction(flow: Flow): u32 {
  if (flow <= Flow.PauseAndBuffer) return flow == Flow.Continue ? action.CONTINUE : action.BODY_STOP_AND_BUFFER;
  return flow == Flow.PauseAndWatermark ? action.BODY_STOP_AND_WATERMARK : action.BODY_STOP_NO_BUFFER;
}

/** The number for trailers and TCP callbacks, which know only two. */
export function plainAction(flow: Flow): u32 {
  return flow == Flow.Continue ? action.CONTINUE : action.PAUSE;
}
