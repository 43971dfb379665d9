// What the results of header, body and trailer callbacks mean (abi.md 4). Unknown ones stop in the strictest way.
import * as action from "../../sdk/assembly/abi/action.ts";

export const continues = (result: number): boolean => result === action.CONTINUE;

/** Envoy maps 2 to Continue for headers; so do we. */
export const headersContinue = (result: number): boolean => continues(result) || result === 2;

/** Of the body results that stop, those whose chunk the host keeps. */
export const keepsChunk = (result: number): boolean =>
  result === action.BODY_STOP_AND_BUFFER || result === action.BODY_STOP_AND_WATERMARK;

/** A headers result that refuses what queues up over the limit, instead of stopping the peer there. */
export const bounds = (result: number): boolean => result === action.HEADERS_STOP_ALL_AND_BUFFER;

/** A body result that stops the peer at the limit, instead of refusing what goes over it. */
export const stopsReading = (result: number): boolean => result === action.BODY_STOP_AND_WATERMARK;
