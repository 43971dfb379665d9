// Trailers: a header map that comes after the body. Trailers may also be *added* in the last body callback.
import * as map from "./abi/map";
import { HeaderView } from "./headers";

/** The trailers of one direction. */
@unmanaged
export class Trailers {
  private map: u32;

  /** All trailers. */
  get headers(): HeaderView {
    // Both classes are one static word, the number of the map.
    return changetype<HeaderView>(this);
  }
}

const REQUEST_TRAILERS: Trailers = changetype<Trailers>(memory.data<u32>([map.HTTP_REQUEST_TRAILERS]));
const RESPONSE_TRAILERS: Trailers = changetype<Trailers>(memory.data<u32>([map.HTTP_RESPONSE_TRAILERS]));

/** Trailers of the effective stream's request. */
export function requestTrailers(): Trailers {
  return REQUEST_TRAILERS;
}
/** Trailers of the effective stream's response. */
export function responseTrailers(): Trailers {
  return RESPONSE_TRAILERS;
}
